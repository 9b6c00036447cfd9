import { Webhook } from 'standardwebhooks';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Cloud, MODEL, PRICE, startCloud } from '#test/helpers/cloud.ts';
import { type DemoPackage, importDemo } from '#test/helpers/demo-package.ts';
import { ungranted } from '#test/helpers/granted.ts';
import { expectInvariant } from '#test/helpers/invariant.ts';
import { synthesise } from '#test/helpers/synthesise.ts';
import { startWebhookReceiver } from '#test/helpers/webhook-receiver.ts';

const CREDIT = 1_000_000;

interface Prediction {
  readonly id: string;
  readonly status: string;
  readonly phase?: string;
  readonly cost: number | null;
  readonly error: string | null;
  readonly output: string[] | null;
}

interface Served extends Prediction {
  readonly output_expires_at: string;
  readonly receipt: { readonly images: readonly { readonly signature: string }[] };
}

describe('what becomes of orders whose ends are told badly', () => {
  let demo: DemoPackage;
  let cloud: Cloud;

  beforeAll(async () => {
    demo = await importDemo();
    cloud = await startCloud({ ...demo, jobsPerInstance: 2 });
  }, 120_000);
  afterEach(() => expectInvariant(cloud.system.ledger));
  afterAll(async () => {
    await cloud?.stop();
    demo?.remove();
  });

  const call = async (key: string, path: string, body?: unknown): Promise<Prediction> => {
    const answer = await fetch(`${cloud.url}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return (await answer.json()) as Prediction;
  };
  const order = (key: string, more: object = {}, input: object = {}) =>
    call(key, `/v1/models/${MODEL}/predictions`, { input: { prompt: 'a cat', ...input }, ...more });
  const ended = async (key: string, id: string) =>
    (await call(key, `/v1/predictions/${id}`)) as Served;
  const untilEnded = async (key: string, id: string): Promise<Prediction> => {
    for (;;) {
      const job = await call(key, `/v1/predictions/${id}`);
      if (!['starting', 'processing'].includes(job.status)) return job;
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
  };
  const money = (account: Parameters<Cloud['system']['ledger']['getAccount']>[0]) =>
    cloud.system.ledger.getAccount(account);

  it('told twice: charged once', async () => {
    const { key, account } = await cloud.newCustomer(CREDIT);
    const handled = cloud.completionsHandled();
    cloud.sageMaker.nextFault('duplicate');
    const { id } = await order(key);
    expect(await untilEnded(key, id)).toMatchObject({ status: 'succeeded', cost: PRICE });
    await until(() => cloud.completionsHandled() === handled + 2);
    expect(await money(account)).toMatchObject({ balance: CREDIT - PRICE, held: 0 });
    const entries = await cloud.system.ledger.entries({ account, limit: 10 });
    expect(entries.map((entry) => entry.kind).sort()).toEqual(['capture', 'grant', 'hold']);
  });

  it('never told: the sweep finds the receipt and settles', async () => {
    const { key, account } = await cloud.newCustomer(CREDIT);
    cloud.sageMaker.nextFault('lose');
    const [{ id }] = await run(() => order(key));
    expect((await cloud.system.jobs.get(id as never))?.status).toBe('starting');
    expect(await cloud.sweep()).toMatchObject({ reconciled: 1 });
    expect(await untilEnded(key, id)).toMatchObject({ status: 'succeeded', cost: PRICE });
    expect(await money(account)).toMatchObject({ balance: CREDIT - PRICE, held: 0 });
  });

  it('told in another order: each is charged for itself', async () => {
    const { key, account } = await cloud.newCustomer(CREDIT);
    cloud.sageMaker.nextFault('hold');
    cloud.sageMaker.nextFault('hold');
    const [first, second] = await run(
      () => order(key),
      () => order(key, {}, { num_outputs: 2 }),
    );
    await cloud.sageMaker.releaseHeld();
    expect(await untilEnded(key, second.id)).toMatchObject({ cost: 2 * PRICE });
    expect(await untilEnded(key, first.id)).toMatchObject({ cost: PRICE });
    expect(await money(account)).toMatchObject({ balance: CREDIT - 3 * PRICE, held: 0 });
  });

  it('failed with a reason: released, and the reason is told', async () => {
    const { key, account } = await cloud.newCustomer(CREDIT);
    cloud.sageMaker.nextFault('fail');
    const { id } = await order(key);
    const ended = await untilEnded(key, id);
    expect(ended).toMatchObject({ status: 'failed', cost: 0, output: null });
    expect(ended.error).toBeTruthy();
    expect(await money(account)).toMatchObject({ balance: CREDIT, held: 0 });
  });

  it('failed without a word: run again, and charged once', async () => {
    const { key, account } = await cloud.newCustomer(CREDIT);
    cloud.sageMaker.nextFault('bare-failure');
    const before = cloud.sageMaker.accepted().length;
    const { id } = await order(key);
    expect(await untilEnded(key, id)).toMatchObject({ status: 'succeeded', cost: PRICE });
    expect(cloud.sageMaker.accepted().slice(before)).toEqual([id, id]);
    expect(await money(account)).toMatchObject({ balance: CREDIT - PRICE, held: 0 });
  });

  it('expired: released', async () => {
    const { key, account } = await cloud.newCustomer(CREDIT);
    cloud.sageMaker.nextFault('expire');
    const { id } = await order(key);
    expect(await untilEnded(key, id)).toMatchObject({ status: 'failed', cost: 0 });
    expect(await money(account)).toMatchObject({ balance: CREDIT, held: 0 });
  });

  it('told in a way that is not known: delivered and charged, since the picture is there', async () => {
    const { key, account } = await cloud.newCustomer(CREDIT);
    cloud.sageMaker.nextFault('unknown');
    const { id } = await order(key);
    expect(await untilEnded(key, id)).toMatchObject({ status: 'succeeded', cost: PRICE });
    expect(await money(account)).toMatchObject({ balance: CREDIT - PRICE, held: 0 });
  });

  it('cancelled while it waits inside SageMaker: never charged', async () => {
    const { key, account } = await cloud.newCustomer(CREDIT);
    const before = cloud.sageMaker.accepted().length;
    await cloud.sageMaker.freeze();
    const running = await order(key, {}, { num_outputs: 4 });
    const waiting = await order(key);
    await cloud.sageMaker.untilAccepted(before + 2);
    await call(key, `/v1/predictions/${waiting.id}/cancel`, {});
    cloud.sageMaker.thaw();
    expect(await untilEnded(key, waiting.id)).toMatchObject({ status: 'canceled', cost: 0 });
    expect(await untilEnded(key, running.id)).toMatchObject({ cost: 4 * PRICE });
    expect(await money(account)).toMatchObject({ balance: CREDIT - 4 * PRICE, held: 0 });
  });

  it('many of one account do not hold up another, and a cancelled one in the table ends at once', async () => {
    const [crowd, single] = [await cloud.newCustomer(CREDIT), await cloud.newCustomer(CREDIT)];
    const before = cloud.sageMaker.accepted().length;
    await cloud.sageMaker.freeze();
    const theirs = [];
    for (let i = 0; i < 8; i++) theirs.push(await order(crowd.key));
    // SageMaker is full: whoever comes now comes after these two and beside the third.
    await cloud.sageMaker.untilAccepted(before + 2);
    const mine = await order(single.key);
    const last = theirs.at(-1);
    const canceled = await call(crowd.key, `/v1/predictions/${last?.id}/cancel`, {});
    expect(canceled).toMatchObject({ status: 'canceled', cost: 0 });
    cloud.sageMaker.thaw();
    await untilEnded(single.key, mine.id);
    await Promise.all(theirs.map(({ id }) => untilEnded(crowd.key, id)));
    const ids = theirs.map(({ id }) => id);
    expect(cloud.sageMaker.accepted().slice(before)).toEqual([
      ...ids.slice(0, 3),
      mine.id,
      ...ids.slice(3, 7),
    ]);
    expect(await money(crowd.account)).toMatchObject({ balance: CREDIT - 7 * PRICE, held: 0 });
    expect(await money(single.account)).toMatchObject({ balance: CREDIT - PRICE, held: 0 });
  });

  it('a webhook comes, signed, with a picture to fetch, and usage shows the charge', async () => {
    const { key } = await cloud.newCustomer(CREDIT);
    const receiver = await startWebhookReceiver();
    const { id } = await order(key, {
      webhook: receiver.url,
      webhook_events_filter: ['completed'],
    });
    const { headers, body } = await receiver.first('completed');
    await receiver.stop();
    const answer = await fetch(`${cloud.url}/v1/webhooks/default/secret`, {
      headers: { authorization: `Bearer ${key}` },
    });
    const { key: secret } = (await answer.json()) as { key: string };
    const told = new Webhook(secret).verify(body, headers) as Served;
    expect(told).toMatchObject({ id, status: 'succeeded', cost: PRICE });
    // But for the links' times it is the very answer of the API, signed receipt included.
    const { output: _urls, output_expires_at: _at, ...served } = await ended(key, id);
    const { output: _told, output_expires_at: _toldAt, ...sent } = told;
    expect(sent).toEqual(served);
    expect(served.receipt.images[0]?.signature).toMatch(/^[A-Za-z0-9+/]{86}==$/);
    const picture = await fetch(told.output?.[0] ?? '');
    expect(
      Buffer.from(await picture.arrayBuffer())
        .subarray(1, 4)
        .toString(),
    ).toBe('PNG');
    const usage = await fetch(`${cloud.url}/v1/usage`, {
      headers: { authorization: `Bearer ${key}` },
    });
    expect(JSON.stringify(await usage.json())).toContain(String(PRICE));
  });

  it('no signed URL, key or prompt is stored or logged', async () => {
    const { key } = await cloud.newCustomer(CREDIT);
    const { id } = await order(key, {}, { prompt: 'a very particular heron' });
    const { output } = await untilEnded(key, id);
    const signature = new URL(output?.[0] ?? '').searchParams.get('X-Amz-Signature') ?? 'none';
    expect(signature).toMatch(/^[0-9a-f]{64}$/);
    const stored = JSON.stringify(await cloud.readWholeTable());
    const logged = cloud.lines.join('');
    expect(stored).toContain(id);
    for (const text of [signature, 'X-Amz-Signature', key]) {
      expect(stored.includes(text), text).toBe(false);
      expect(logged.includes(text), text).toBe(false);
    }
    expect(logged).not.toContain('a very particular heron');
  });

  it('no function has asked AWS for anything that its role may not do', async () => {
    await cloud.sweep();
    const functions = new Set(cloud.calls().map(({ by }) => by));
    expect([...functions].sort()).toEqual(['Api', 'Complete', 'Dispatch', 'Sweep', 'Webhooks']);
    expect(ungranted(synthesise(), cloud.calls())).toEqual([]);
  });

  /** Places the orders one after the other, and waits until SageMaker is through with them. */
  async function run<Orders extends (() => Promise<Prediction>)[]>(
    ...orders: Orders
  ): Promise<{ [Index in keyof Orders]: Prediction }> {
    const before = cloud.sageMaker.accepted().length;
    const placed: Prediction[] = [];
    for (const place of orders) placed.push(await place());
    await cloud.sageMaker.untilAccepted(before + orders.length);
    await cloud.sageMaker.idle();
    return placed as { [Index in keyof Orders]: Prediction };
  }

  async function until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise((resolve) => setTimeout(resolve, 30));
  }
});
