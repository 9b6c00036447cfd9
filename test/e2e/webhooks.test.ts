import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import Replicate, { validateWebhook } from 'replicate';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RealServer, startRealServer } from '#test/helpers/real-server.ts';

interface Received {
  readonly headers: Record<string, string>;
  readonly body: string;
}

let server: RealServer;
let replicate: Replicate;
let receiver: Server;
let url: string;
let status = 200;
const received: Received[] = [];

beforeAll(async () => {
  server = await startRealServer({ allowLocalWebhooks: 'true' });
  replicate = new Replicate({ baseUrl: `${server.url}/v1`, auth: server.keys.key });
  receiver = createServer((incoming, outgoing) => {
    let body = '';
    incoming.on('data', (chunk) => {
      body += chunk;
    });
    incoming.on('end', () => {
      received.push({ headers: incoming.headers as Record<string, string>, body });
      outgoing.writeHead(status).end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
});
afterAll(async () => {
  await server.close();
  receiver.close();
});

async function waitFor<T>(find: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (let tries = 0; tries < 2400; tries++) {
    const found = await find();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error('it did not happen');
}

const eventsOf = (id: string) => received.filter(({ body }) => JSON.parse(body).id === id);

describe('webhooks of the real server', () => {
  it('are what the stock verifiers accept, and carry the prediction as the API serves it', async () => {
    const prediction = await replicate.predictions.create({
      model: 'onestep/demo',
      input: { prompt: 'a red circle', seed: 1 },
      webhook: url,
      webhook_events_filter: ['completed'],
    });
    const { headers, body } = await waitFor(() => eventsOf(prediction.id)[0]);
    const { key } = await replicate.webhooks.default.secret.get();
    const signed = {
      id: headers['webhook-id'] ?? '',
      timestamp: headers['webhook-timestamp'] ?? '',
      signature: headers['webhook-signature'] ?? '',
    };
    expect(await validateWebhook({ ...signed, body, secret: key })).toBe(true);
    expect(await validateWebhook({ ...signed, body: `${body} `, secret: key })).toBe(false);
    expect(new Webhook(key).verify(body, headers)).toMatchObject({ status: 'succeeded' });
    expect(() => new Webhook(key).verify(body.replace('succeeded', 'failed'), headers)).toThrow();
    const served = await server.call('GET', `/v1/predictions/${prediction.id}`);
    const { output, output_expires_at, ...sent } = JSON.parse(body);
    expect(served).toMatchObject(sent);
    expect((await fetch(output[0])).status).toBe(200);
    const details = await server.call('GET', `/v1/webhooks/deliveries/${headers['webhook-id']}`);
    expect({ ...details.body, output, output_expires_at }).toEqual(JSON.parse(body));
    expect(eventsOf(prediction.id)).toHaveLength(1);
  });

  it('tell of the start, of the output and of the end, in this order', async () => {
    const { id } = await replicate.predictions.create({
      model: 'onestep/demo',
      input: { prompt: 'a tree' },
      webhook: url,
    });
    await waitFor(() =>
      eventsOf(id).find(({ headers }) => headers['webhook-id']?.endsWith('completed')),
    );
    const events = eventsOf(id).map(({ headers }) => headers['webhook-id']?.split('_')[2]);
    expect(events.at(-1)).toBe('completed');
    expect(events.filter((event) => event !== 'logs')).toEqual(['start', 'output', 'completed']);
    expect(events).toContain('logs');
    const bodies = eventsOf(id).map(({ headers, body }) => ({
      event: headers['webhook-event'],
      ...JSON.parse(body),
    }));
    expect(bodies[0]).toMatchObject({ status: 'processing', output: null, completed_at: null });
    const ended = bodies.filter(({ status }) => status === 'succeeded');
    expect(ended.map(({ event }) => event)).toEqual(['completed']);
    const output = bodies.find(({ event }) => event === 'output');
    expect(output).toMatchObject({ status: 'processing', output: [expect.any(String)] });
  });

  it('can be looked up with every attempt, and sent again under their id', async () => {
    const logOf = (id: string, wanted: (log: { status: string; attempts: number }) => boolean) =>
      waitFor(async () => {
        const { results } = await server.call('GET', `/v1/predictions/${id}/webhooks`);
        return results[0] !== undefined && wanted(results[0]) ? results[0] : undefined;
      });
    status = 410;
    const { id } = await replicate.predictions.create({
      model: 'onestep/demo',
      input: { prompt: 'a house' },
      webhook: url,
      webhook_events_filter: ['completed'],
    });
    const gone = await logOf(id, (log) => log.status === 'abandoned');
    expect(gone.log).toMatchObject([{ number: 1, status: 410, failure: 'http-error' }]);
    const resend = () => server.call('POST', `/v1/webhooks/deliveries/${gone.id}/resend`);
    expect(await resend()).toMatchObject({ status: 409 });
    const endpoints = await server.call('GET', '/v1/webhooks/endpoints');
    expect(endpoints.results).toMatchObject([{ url, disabled_reason: 'gone' }]);

    status = 200;
    await server.call('POST', '/v1/webhooks/endpoints/enable', { url });
    await resend();
    await logOf(id, (log) => log.status === 'delivered');
    status = 500;
    await resend();
    const pending = await logOf(id, (log) => log.attempts === 3);
    expect(pending.status).toBe('pending');
    expect(await resend()).toMatchObject({ status: 409 });
    status = 200;
    const ids = eventsOf(id).map(({ headers }) => headers['webhook-id']);
    expect(ids).toEqual([gone.id, gone.id, gone.id]);
    const log = await server.call('GET', `/v1/webhooks/deliveries/${gone.id}`);
    expect(log.log.map((attempt: { status: number }) => attempt.status)).toEqual([410, 200, 500]);
    const { results } = await server.call('GET', '/v1/webhooks/deliveries?limit=1');
    expect(results).toMatchObject([{ prediction: id, status: 'pending', attempts: 3 }]);
  });

  it('are signed with both secrets while a rotation overlaps', async () => {
    const old = await server.call('GET', '/v1/webhooks/default/secret');
    const fresh = await server.call('POST', '/v1/webhooks/default/secret/rotate', {
      overlap_hours: 1,
    });
    const { id } = await replicate.predictions.create({
      model: 'onestep/demo',
      input: { prompt: 'a boat' },
      webhook: url,
      webhook_events_filter: ['completed'],
    });
    const { headers, body } = await waitFor(() => eventsOf(id)[0]);
    for (const key of [old.key, fresh.key]) {
      expect(() => new Webhook(key).verify(body, headers)).not.toThrow();
    }
  });

  it.each([
    'https://169.254.169.254/',
    'http://10.0.0.1/',
    'https://[::ffff:127.0.0.1]/',
    'ftp://x',
  ])('are refused to %s when they are ordered', async (target) => {
    await expect(
      replicate.predictions.create({
        model: 'onestep/demo',
        input: { prompt: 'x' },
        webhook: target,
      }),
    ).rejects.toMatchObject({ response: { status: 422 } });
  });
});

describe('a trace', () => {
  it("goes from the client's request to the webhook", async () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const answer = await fetch(`${server.url}/v1/predictions`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${server.keys.key}`,
        'content-type': 'application/json',
        traceparent,
      },
      body: JSON.stringify({ input: { prompt: 'a tree', width: 64, height: 64 }, webhook: url }),
    });
    const { id } = (await answer.json()) as { id: string };
    const { headers } = await waitFor(() => eventsOf(id)[0]);
    expect(headers['traceparent']).toBe(traceparent);
  });
});

describe("an account's own events", () => {
  const eventOf = (name: string) =>
    waitFor(() => received.find(({ headers }) => headers['webhook-event'] === name));

  it('come signed, to the receiver that the account has set', async () => {
    const hook = { url, events: ['balance.low'], low_balance: 1e12 };
    await server.call('PUT', '/v1/webhooks/account', hook);
    const { headers, body } = await eventOf('balance.low');
    const { key } = await server.call('GET', '/v1/webhooks/default/secret');
    expect(new Webhook(key).verify(body, headers)).toMatchObject({
      type: 'balance.low',
      data: { low_balance: 1e12, balance: expect.any(Number) },
    });
    const sent = await server.call('POST', '/v1/webhooks/test', {});
    const test = await eventOf('test');
    expect(test.headers['webhook-id']).toBe(sent.id);
    expect(new Webhook(key).verify(test.body, test.headers)).toMatchObject({ type: 'test' });
  });
});

describe('streams of the real server', () => {
  it('are what replicate.stream reads', async () => {
    const events = [];
    for await (const event of replicate.stream('onestep/demo', {
      input: { prompt: 'a lighthouse', num_outputs: 2 },
    })) {
      events.push(event);
    }
    const outputs = events.filter(({ event }) => event === 'output');
    expect(outputs).toHaveLength(2);
    expect((await fetch(String(outputs[0]?.data))).headers.get('content-type')).toBe('image/png');
    expect(events.at(-1)).toMatchObject({ event: 'done', data: '{}' });
    const logs = events.filter(({ event }) => event === 'logs').map(({ data }) => data);
    expect(logs.at(-1)).toBe('100%|██████████| 2/2');
  });

  it('go on after Last-Event-ID, and open with their own link only', async () => {
    const prediction = await replicate.predictions.create({
      model: 'onestep/demo',
      input: { prompt: 'a cat' },
      stream: true,
    });
    const link = prediction.urls.stream ?? '';
    const read = async (lastId?: string) => {
      const headers = lastId === undefined ? {} : { 'last-event-id': lastId };
      const text = await (await fetch(link, { headers })).text();
      return [...text.matchAll(/^(event|id): (.*)$/gm)].map(([, name, value]) => ({ name, value }));
    };
    const all = await read();
    const ids = all.filter(({ name }) => name === 'id').map(({ value }) => value);
    const half = ids[Math.floor(ids.length / 2)];
    const rest = (await read(half)).filter(({ name }) => name === 'id').map(({ value }) => value);
    expect(rest).toEqual(ids.filter((id) => Number(id) > Number(half)));
    expect((await fetch(`${link}x`)).status).toBe(404);
  });
});
