import { setImmediate as nextTurn } from 'node:timers/promises';
import { createDeliveryLoop } from '#functions/webhooks/delivery-loop.ts';
import type { AccountId } from '#shared/core/ids.ts';
import type { OutboxEntry } from '#shared/core/outbox.ts';
import { sampleAdmission } from '#test/helpers/samples.ts';
import { must } from './must.ts';
import { ACCOUNTS, keyOf, type SimulatedWorld } from './worlds/world.ts';

/** More than are delivered at one time in all. */
const JOBS = 7;
const OF_EACH = 80;
/** Turns of the event loop after which a webhook that nobody holds up has long been sent. */
const PATIENCE = 40;

/** While one account's receiver hangs, with more webhooks due than are sent at a time, another's get theirs. */
export async function expectLanes(world: SimulatedWorld): Promise<void> {
  const [slow, quick] = ACCOUNTS as [AccountId, AccountId];
  for (let job = 0; job < JOBS; job++) await order(world, slow, OF_EACH);
  world.clock.advance(1);
  await order(world, quick, 1);
  world.clock.advance(1);
  let isDelivered = false;
  const hung = new Promise(() => {});
  const failures: unknown[] = [];
  const loop = createDeliveryLoop({
    outbox: world.stores.outbox,
    clock: world.clock,
    async deliver({ account }) {
      if (account === slow) await hung;
      isDelivered = true;
    },
    onError: (error) => failures.push(error),
  });
  loop.wake();
  for (let turn = 0; turn < PATIENCE && !isDelivered; turn++) await nextTurn();
  must(isDelivered, 'a webhook waits for the receivers of another account');
  must(failures.length === 0, () => `the sender failed: ${failures.join()}`);
}

async function order(world: SimulatedWorld, account: AccountId, webhooks: number): Promise<void> {
  const createdAt = world.clock.now();
  const admission = sampleAdmission({ account, key: keyOf(account), createdAt });
  const { id: job } = admission.job;
  const outbox = Array.from(
    { length: webhooks },
    (_, i): OutboxEntry => ({
      ...{ id: `${job}_${i}`, account, job, event: 'logs', attempts: 0 },
      url: `https://${account}.example.com/hook`,
      createdAt,
      nextAttemptAt: createdAt,
    }),
  );
  const { outcome } = await world.stores.jobs.admit({ ...admission, outbox });
  must(outcome === 'admitted', `an order with nothing in its way: ${outcome}`);
}
