import { afterAll, beforeAll, expect, it } from 'vitest';
import { jobMarks } from '#shared/core/job-marks.ts';
import { type Cloud, MODEL, startCloud } from '#test/helpers/cloud.ts';
import { type DemoPackage, importDemo } from '#test/helpers/demo-package.ts';
import { startWebhookReceiver } from '#test/helpers/webhook-receiver.ts';

let demo: DemoPackage;
let cloud: Cloud;

beforeAll(async () => {
  demo = await importDemo();
  cloud = await startCloud(demo);
  await cloud.sageMaker.freeze();
}, 120_000);
afterAll(async () => {
  await cloud?.stop();
  demo?.remove();
});

it('what the marks of a run say comes by webhook: by the sweep, by a look, and at the end', async () => {
  const { key } = await cloud.newCustomer(1_000_000);
  const receiver = await startWebhookReceiver();
  const call = async (path: string, body?: object) => {
    const answer = await fetch(cloud.url + path, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return (await answer.json()) as { id: string; logs: string };
  };
  const { id } = await call(`/v1/models/${MODEL}/predictions`, {
    input: { prompt: 'a mill', num_outputs: 4 },
    webhook: receiver.url,
  });
  await expect.poll(() => cloud.sageMaker.backlog(), { timeout: 20_000 }).toBe(1);
  // As the GPU function leaves them; the one of this endpoint has not been started yet.
  const mark = (name: 'started' | 'phase', body: object) => {
    const bytes = new TextEncoder().encode(JSON.stringify(body));
    return cloud.system.blobs.put(jobMarks[name](id), bytes, 'application/json');
  };
  const lastLines = () =>
    receiver.received.map(({ body }) => {
      const { logs } = JSON.parse(body) as { logs: string };
      return logs.trim().split('\n').at(-1);
    });

  await mark('started', { started_at: Date.now() });
  await mark('phase', { phase: 'running', images_done: 1 });
  expect(receiver.received).toEqual([]);
  await cloud.sweep();
  await expect.poll(receiver.events, { timeout: 20_000 }).toEqual(['start', 'logs']);

  await mark('phase', { phase: 'running', images_done: 3 });
  // A look at a job is as good as a second old.
  await expect
    .poll(async () => (await call(`/v1/predictions/${id}`)).logs, { timeout: 20_000 })
    .toContain('| 3/4');
  await expect.poll(lastLines, { timeout: 20_000 }).toContain(' 75%|███████   | 3/4');

  cloud.sageMaker.thaw();
  await receiver.first('completed');
  await receiver.first('output');
  const ids = receiver.received.map(({ headers }) => headers['webhook-id']);
  expect(new Set(ids).size).toBe(ids.length);
  await receiver.stop();
});
