import { expect, test } from 'vitest';
import { createDynamoStores } from '#shared/adapters/dynamo/dynamo-stores.ts';
import { WRITE_UNITS_PER_IMAGE } from '#shared/deployment/cost.ts';
import { createCountedBytes } from '#test/helpers/counted-bytes.ts';
import { createGpuStandIn } from '#test/helpers/gpu-stand-in.ts';
import { createManualClock } from '#test/helpers/manual-clock.ts';
import { createMemoryBlobs } from '#test/helpers/memory-blobs.ts';
import { createMemoryDynamo } from '#test/helpers/memory-dynamo/memory-dynamo.ts';
import { tableOver } from '#test/helpers/memory-dynamo/open-memory-table.ts';
import { countWriteUnits } from '#test/helpers/memory-dynamo/write-units.ts';
import { fund, NOW, PRICE } from '#test/helpers/samples.ts';
import { createServices, sampleOrder } from '#test/helpers/world.ts';

const ORDERS = 20;
const { input: INPUT } = sampleOrder();
const PROMPT =
  'a red house by the sea in the evening, with a small boat in front of it and gulls above';

test('the cost estimate counts the write units of an order as it is made, run, paid and erased', async () => {
  const clock = createManualClock(NOW);
  const randomBytes = createCountedBytes();
  const blobs = createMemoryBlobs();
  const gpu = createGpuStandIn(blobs, { lanes: 1 });
  const counted = countWriteUnits(createMemoryDynamo({ now: clock.now }));
  const stores = createDynamoStores({
    ...{ table: tableOver(counted.send), clock, randomBytes, waitingLineMs: 0 },
  });
  const errors: unknown[] = [];
  const parts = { stores, blobs, queue: gpu.queue, clock, randomBytes, errors };
  const { admission, dispatcher, settlement } = createServices(parts, {});
  await fund(stores.ledger, 2 * ORDERS * PRICE);
  const before = counted.units();
  for (let n = 0; n < ORDERS; n++) {
    const result = await admission.submit(
      sampleOrder({
        ...{ input: { ...INPUT, prompt: PROMPT }, requestInput: { prompt: PROMPT } },
        ...{ bodyHash: `${n}`.padStart(64, '0'), idempotency: { route: 'create', key: `${n}` } },
      }),
    );
    if (result.outcome !== 'admitted') throw new Error(result.outcome);
    const { id } = result.job;
    await stores.jobs.markAnswered(id);
    expect(await dispatcher.dispatchOnce()).toBe(1);
    await settlement.applyStart(id, clock.now());
    await settlement.applyCompletion(await gpu.run(id));
    clock.advance(10_000);
    await settlement.removeJobData(id);
  }
  expect(errors).toEqual([]);
  const each = (counted.units() - before) / ORDERS;
  expect(Math.round(each)).toBe(WRITE_UNITS_PER_IMAGE);
});
