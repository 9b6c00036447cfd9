import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningServer, removeFolder, startServer } from '#test/helpers/server-process.ts';

interface Prediction {
  readonly id: string;
  readonly status: string;
  readonly cost: number | null;
}
interface Account {
  readonly balance: number;
  readonly held: number;
}

/** Credit for ten images at the demo model's price. */
const CREDIT = 40_000;
const INPUT = { prompt: 'a coin', width: 64, height: 64 };

describe('money', () => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await startServer({ env: { ONESTEP_DEMO_CREDIT: String(CREDIT) } });
  });
  afterAll(async () => {
    await server.end('SIGTERM');
    removeFolder(server.data);
  });

  const account = async () => (await (await server.send('/v1/account')).json()) as Account;
  const list = async () => {
    const page = await (await server.send('/v1/predictions')).json();
    return (page as { results: Prediction[] }).results;
  };
  const settled = async () => {
    while ((await account()).held > 0) await new Promise((resolve) => setTimeout(resolve, 50));
  };
  const grant = (amount: number, reference: string) =>
    server.send('/v1/credits', { admin: true, json: { amount, reference } });

  test('fifty creates at once on credit for ten: ten run, forty are told what it costs', async () => {
    const responses = await Promise.all(
      Array.from({ length: 50 }, () => server.send('/v1/predictions', { json: { input: INPUT } })),
    );
    const statuses = responses.map(({ status }) => status);
    expect(statuses.filter((status) => status === 201)).toHaveLength(10);
    expect(statuses.filter((status) => status === 402)).toHaveLength(40);
    const refused = await responses.find(({ status }) => status === 402)?.json();
    expect(refused).toMatchObject({
      status: 402,
      required: 4000,
      error: { code: 'insufficient_funds' },
    });
    await settled();
    expect(await list()).toHaveLength(10);
    for (const { status } of await list()) expect(status).toBe('succeeded');
    expect(await account()).toMatchObject({ balance: 0, held: 0 });
  });

  test('credit is granted once per reference', async () => {
    expect((await grant(CREDIT, 'payment-1')).status).toBe(201);
    const again = await grant(CREDIT, 'payment-1');
    expect(again.status).toBe(200);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect((await grant(CREDIT + 1, 'payment-1')).status).toBe(409);
    expect((await account()).balance).toBe(CREDIT);
    const notOperator = await server.send('/v1/credits', {
      json: { amount: 1, reference: 'self-service' },
    });
    expect(notOperator.status).toBe(403);
  });

  test('twenty equal orders with one idempotency key are one charge', async () => {
    const order = () =>
      server.send('/v1/predictions', {
        json: { input: { ...INPUT, prompt: 'once' } },
        headers: { 'idempotency-key': 'order-1', prefer: 'wait' },
      });
    const responses = await Promise.all(Array.from({ length: 20 }, order));
    const predictions = (await Promise.all(responses.map((r) => r.json()))) as Prediction[];
    expect(new Set(predictions.map(({ id }) => id)).size).toBe(1);
    const replayed = responses.filter((r) => r.headers.get('idempotency-replayed') === 'true');
    expect(replayed).toHaveLength(19);
    await settled();
    expect((await account()).balance).toBe(CREDIT - 4000);
  });

  test('a key with a cap stops at its cap, and another key goes on', async () => {
    const issued = await server.send('/v1/keys', {
      admin: true,
      json: { label: 'capped', scopes: ['predict', 'read'], day_cap: 5000 },
    });
    const { key } = (await issued.json()) as { key: string };
    const order = (authorization: string) =>
      server.send('/v1/predictions', { json: { input: INPUT }, headers: { authorization } });
    expect((await order(`Bearer ${key}`)).status).toBe(201);
    const over = await order(`Key ${key}`);
    expect(over.status).toBe(402);
    expect(await over.json()).toMatchObject({ error: { code: 'key_budget_exceeded' } });
    expect((await order(`Token ${server.key}`)).status).toBe(201);
    await settled();
  });

  test('what the predictions cost is what the ledger says', async () => {
    const costs = (await list()).reduce((sum, { cost }) => sum + Number(cost), 0);
    const { results } = (await (await server.send('/v1/ledger?limit=1000')).json()) as {
      results: { kind: string; amount: number }[];
    };
    const sum = (kind: string) =>
      results
        .filter((entry) => entry.kind === kind)
        .reduce((total, { amount }) => total + amount, 0);
    expect(sum('capture')).toBe(costs);
    expect((await account()).balance).toBe(sum('grant') - sum('capture'));
  });
});
