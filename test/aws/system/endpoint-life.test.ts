import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { type Cloud, MODEL, startCloud } from '#test/helpers/cloud.ts';
import { type DemoPackage, importDemo } from '#test/helpers/demo-package.ts';
import { createSkippingTime } from '#test/helpers/skipping-time.ts';

const MINUTE = 60_000;

vi.setConfig({ testTimeout: 120_000 });

const time = createSkippingTime();
let demo: DemoPackage;
let cloud: Cloud;

beforeAll(async () => {
  demo = await importDemo();
  cloud = await startCloud({ ...demo, time });
}, 120_000);
afterAll(async () => {
  await cloud?.stop();
  demo?.remove();
});

const warm = async (minutes: number) => {
  const answer = await fetch(`${cloud.url}/v1/models/${MODEL}/warm`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${cloud.operator.key}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({ minutes }),
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
};

it('an endpoint wakes for an operator, sleeps when its time is over, and stays down while paused', async () => {
  expect(await warm(10)).toMatchObject({ status: 200, body: { model: MODEL } });
  await vi.waitFor(() => expect(cloud.sageMaker.instances()).toBe(1), { timeout: 30_000 });
  await cloud.sweep();
  time.advance(8 * MINUTE);
  await cloud.sweep();
  expect(cloud.sageMaker.instances()).toBe(1);
  time.advance(9 * MINUTE);
  await cloud.sweep();
  expect(cloud.sageMaker.instances()).toBe(0);

  // Asleep by the ledger: the next wish starts another, and says how long that takes.
  const again = await warm(1);
  expect(again.body).toMatchObject({ state: 'waking' });
  expect(again.body['ready_in_seconds']).toBeGreaterThan(0);
  await vi.waitFor(() => expect(cloud.sageMaker.starts()).toBe(2), { timeout: 30_000 });

  cloud.sageMaker.setMost(0);
  expect(await warm(1)).toMatchObject({ status: 503, body: { error: { code: 'unavailable' } } });
});
