import { afterAll, beforeAll, expect, it } from 'vitest';
import { requestTimeStamp } from '#shared/provenance/c2pa/time-stamp.ts';
import {
  AUTHORITY_FAULTS,
  type AuthorityFault,
  type FailingAuthority,
  startFailingAuthority,
} from '#test/helpers/failing-authority.ts';

const TIMEOUT_MS = 500;

let authority: FailingAuthority;
beforeAll(async () => {
  authority = await startFailingAuthority();
});
afterAll(() => authority.close());

const ask = (fault: AuthorityFault) =>
  requestTimeStamp(Uint8Array.of(1), authority.urlOf(fault), TIMEOUT_MS);

it.each(Object.keys(AUTHORITY_FAULTS) as AuthorityFault[])(
  'is not had from an authority that %s, and soon known',
  async (fault) => {
    const started = performance.now();
    await expect(ask(fault)).rejects.toMatchObject({ code: 'unavailable', retryable: true });
    expect(performance.now() - started).toBeLessThan(4 * TIMEOUT_MS);
  },
);

it('is asked for nowhere but where the settings say', async () => {
  await ask('sends elsewhere with the query').catch(() => undefined);
  expect(authority.askedAt('elsewhere')).toBeUndefined();
});

it('does not take more than a time stamp may come to', async () => {
  const { rss } = process.memoryUsage();
  const asked = requestTimeStamp(Uint8Array.of(1), authority.urlOf('answers without end'), 20_000);
  const started = performance.now();
  await expect(asked).rejects.toMatchObject({ code: 'unavailable' });
  expect(performance.now() - started).toBeLessThan(10_000);
  expect(process.memoryUsage().rss - rss).toBeLessThan(2 ** 28);
});
