import { createLeasedRateLimiter } from '#shared/adapters/dynamo/leased-rate-limiter.ts';
import { createRateRows } from '#shared/adapters/dynamo/rate-rows.ts';
import { describeRateLimiter, describeSharedRateLimiters } from '#test/contract/rate-limiter.ts';
import { createTestTable } from '#test/helpers/aws-stand-ins.ts';

describeRateLimiter('tokens leased from DynamoDB', async (clock) =>
  createLeasedRateLimiter({ rows: createRateRows(await createTestTable()), clock }),
);

describeSharedRateLimiters('tokens leased from DynamoDB', async (count, clock) => {
  const rows = createRateRows(await createTestTable());
  return Array.from({ length: count }, () => createLeasedRateLimiter({ rows, clock }));
});
