import { afterAll, beforeAll, expect, it } from 'vitest';
import { type RealServer, startRealServer } from '#test/helpers/real-server.ts';
import { startWebhookReceiver } from '#test/helpers/webhook-receiver.ts';

/** How many; `ONESTEP_WEBHOOK_JOBS` asks for more. */
const JOBS = Number(process.env['ONESTEP_WEBHOOK_JOBS'] ?? 25);
const AT_A_TIME = 20;

let server: RealServer;
let receiver: Awaited<ReturnType<typeof startWebhookReceiver>>;
beforeAll(async () => {
  server = await startRealServer({ allowLocalWebhooks: 'true' });
  receiver = await startWebhookReceiver();
});
afterAll(async () => {
  await server.close();
  await receiver.stop();
});

it(`of ${JOBS} jobs with every event on, each tells them in order, and one says succeeded`, async () => {
  const ids: string[] = [];
  const order = async () => {
    while (ids.length < JOBS) {
      ids.push('');
      const at = ids.length - 1;
      const { id } = await server.call('POST', '/v1/predictions', {
        input: { prompt: `mill ${at}`, width: 64, height: 64, num_outputs: 1 + (at % 4) },
        webhook: receiver.url,
      });
      ids[at] = id;
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, order));
  const ended = () =>
    receiver.received.filter(({ headers }) => headers['webhook-event'] === 'completed').length;
  await expect.poll(ended, { timeout: 110_000, interval: 100 }).toBe(JOBS);

  for (const id of ids) {
    const calls = receiver.received
      .map(({ headers, body }) => ({ event: headers['webhook-event'] ?? '', ...JSON.parse(body) }))
      .filter((call) => call.id === id);
    const events = calls.map(({ event }) => event);
    expect(
      events.filter((event) => event !== 'logs'),
      id,
    ).toEqual(['start', 'output', 'completed']);
    // Of the last picture, the log may come after the output.
    expect([events[0], events.at(-1)], `${id}: ${events}`).toEqual(['start', 'completed']);
    expect(
      calls.map(({ status }) => status),
      id,
    ).toEqual([...calls.slice(1).map(() => 'processing'), 'succeeded']);
  }
  expect(server.errors).toEqual([]);
});
