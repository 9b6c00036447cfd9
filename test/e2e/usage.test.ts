import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiHarness, createApiHarness } from '#test/helpers/api-harness.ts';

const JOBS = 1000;
const CREDIT = 100_000_000;

let harness: ApiHarness;
let keys: string[];

beforeAll(async () => {
  harness = await createApiHarness({ config: { demoCredit: String(CREDIT) } });
  keys = [harness.keys.key, harness.keys.adminKey];
  await orderMixed();
}, 120_000);
afterAll(async () => {
  await harness.close();
});

// biome-ignore lint/suspicious/noExplicitAny: the tests read answers of every shape.
async function read(path: string): Promise<any> {
  const answer = await harness.send(path, { key: harness.keys.adminKey });
  expect(answer.status).toBe(200);
  return answer.json();
}

/** Every page of a list. */
async function readAll(path: string) {
  const results = [];
  for (let next: string | null = path; next !== null; ) {
    const page = await read(next);
    results.push(...page.results);
    next = page.next;
  }
  return results;
}

/** Orders of both keys: made, failed, cancelled while they wait, repeated, of four sizes and tags. */
async function orderMixed(): Promise<void> {
  const order = async (index: number) => {
    // Every seventh repeats the one before it, key and body.
    const base = index % 7 === 1 ? index - 1 : index;
    const answer = await harness.send('/v1/predictions', {
      key: keys[base % 2] ?? '',
      headers: { 'idempotency-key': `order-${base}` },
      json: {
        input: {
          prompt: `picture ${base}`,
          num_outputs: 1 + (base % 4),
          size: base % 5 === 0 ? '320x288' : '256x256',
        },
        metadata: { team: `team-${base % 3}` },
      },
    });
    const job = await answer.json();
    if (harness.gpu.behaviour === 'hold') {
      await harness.send(`/v1/predictions/${job.id}/cancel`, { method: 'POST' });
    }
  };
  for (let start = 0; start < JOBS; start += 50) {
    const kind = (start / 50) % 5;
    harness.gpu.behaviour = kind === 3 ? 'fail' : kind === 4 ? 'hold' : 'make';
    await Promise.all(Array.from({ length: 50 }, (_, index) => order(start + index)));
    await settleAll();
  }
}

async function settleAll(): Promise<void> {
  while ((await harness.stores.ledger.totals()).held > 0) {
    // A cancellation may fall between a claim and its hand-over; the sweep asks again.
    await harness.services.sweep.sweep(Date.now());
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe(`after ${JOBS} mixed orders`, () => {
  it('usage, ledger, balance and the costs of the jobs agree to the micro-dollar', async () => {
    const [jobs, ledger, usage, account] = [
      await readAll('/v1/predictions'),
      await readAll('/v1/ledger?limit=1000'),
      await read('/v1/usage?by=day,key,model,tag:team'),
      await read('/v1/account'),
    ];
    const captures = ledger.filter(({ kind }) => kind === 'capture');
    const sum = (amounts: number[]) => amounts.reduce((total, amount) => total + amount, 0);
    const captured = sum(captures.map(({ amount }) => amount));
    const statuses = new Set(jobs.map(({ status }) => status));
    expect(statuses).toEqual(new Set(['succeeded', 'failed', 'canceled']));
    expect(jobs.length).toBeGreaterThan(800);
    expect(captured).toBeGreaterThan(0);
    expect(sum(jobs.map(({ cost }) => cost))).toBe(captured);
    expect(usage.total.amount).toBe(captured);
    expect(usage.total.jobs).toBe(captures.length);
    expect(sum(usage.rows.map((row: { amount: number }) => row.amount))).toBe(captured);
    expect(account.balance + captured).toBe(CREDIT);
    expect(account.held).toBe(0);
  });

  it('usage by each group sums to the same total, and CSV says what JSON says', async () => {
    const { total } = await read('/v1/usage');
    for (const by of ['day', 'key', 'model', 'tag:team', 'tag:none']) {
      const { rows } = await read(`/v1/usage?by=${by}`);
      const amounts = rows.map(({ amount }: { amount: number }) => amount);
      expect(amounts.reduce((sum: number, amount: number) => sum + amount, 0)).toBe(total.amount);
    }
    const answer = await harness.send('/v1/usage?by=tag:team', {
      key: harness.keys.adminKey,
      headers: { accept: 'text/csv' },
    });
    expect(answer.headers.get('content-type')).toContain('text/csv');
    const [header, ...lines] = (await answer.text()).trimEnd().split('\r\n');
    expect(header).toBe('tag:team,jobs,images,amount_micro_usd');
    const { rows } = await read('/v1/usage?by=tag:team');
    expect(lines).toEqual(
      rows.map(
        (row: { group: Record<string, string>; jobs: number; images: number; amount: number }) =>
          `${row.group['tag:team']},${row.jobs},${row.images},${row.amount}`,
      ),
    );
  });

  it('lists by tag find exactly the jobs of that tag', async () => {
    const jobs = await readAll('/v1/predictions');
    const tagged = await readAll('/v1/predictions?tag=team:team-1');
    expect(tagged.map(({ id }) => id)).toEqual(
      jobs.filter(({ metadata }) => metadata.team === 'team-1').map(({ id }) => id),
    );
  });
});
