import { describe, expect, it } from 'vitest';
import { createLeasedRateLimiter } from '#shared/adapters/dynamo/leased-rate-limiter.ts';
import { createRateRows } from '#shared/adapters/dynamo/rate-rows.ts';
import { describeRateLimiter } from '#test/contract/rate-limiter.ts';
import { createTestTable } from '#test/helpers/aws-stand-ins.ts';
import { createManualClock } from '#test/helpers/manual-clock.ts';

describeRateLimiter('tokens leased from DynamoDB', async (clock) =>
  createLeasedRateLimiter({ rows: createRateRows(await createTestTable()), clock }),
);

describe('instances side by side', () => {
  it('allow one bucket together', async () => {
    const clock = createManualClock();
    const table = await createTestTable();
    const instances = Array.from({ length: 8 }, () =>
      createLeasedRateLimiter({ rows: createRateRows(table), clock }),
    );
    const decisions = await Promise.all(
      instances.flatMap((instance) =>
        Array.from({ length: 10 }, async () => instance.take('key', 40)),
      ),
    );
    expect(decisions.filter(({ allowed }) => allowed)).toHaveLength(40);
    clock.advance(1_500);
    const [one] = instances;
    expect((await one?.take('key', 40))?.allowed).toBe(true);
    expect((await instances[1]?.take('key', 40))?.allowed).toBe(false);
  });
});
