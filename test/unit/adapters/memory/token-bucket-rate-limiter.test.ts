import { expect, test } from 'vitest';
import { createTokenBucketRateLimiter } from '#shared/adapters/memory/token-bucket-rate-limiter.ts';
import { createManualClock } from '#test/helpers/manual-clock.ts';

test('remembers 100,000 names and forgets the one not asked for longest', () => {
  const limiter = createTokenBucketRateLimiter(createManualClock());
  for (const name of ['first', 'second']) limiter.take(name, 1);
  expect(limiter.take('first', 1).allowed).toBe(false);
  for (let i = 0; i < 99_999; i++) limiter.take(`other-${i}`, 1);
  expect(limiter.take('first', 1).allowed).toBe(false);
  expect(limiter.take('second', 1).allowed).toBe(true);
});
