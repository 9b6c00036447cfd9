import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ReceiptSchema } from '#shared/core/inference.ts';
import { jobMarks } from '#shared/core/job-marks.ts';
import { describeAiSdk } from '#test/clients/ai-sdk.ts';
import { describeFalClient } from '#test/clients/fal.ts';
import { describeMcpClient } from '#test/clients/mcp.ts';
import { describeOpenAiClient } from '#test/clients/openai.ts';
import { describeReplicateClient } from '#test/clients/replicate.ts';
import { asServed, MODEL } from '#test/helpers/cloud.ts';
import { type DemoPackage, importDemo } from '#test/helpers/demo-package.ts';
import { type DeployedCloud, startDeployedCloud } from '#test/helpers/deployed-cloud.ts';
import { inferenceRequest } from '#test/helpers/gpu-process.ts';
import { expectInvariant } from '#test/helpers/invariant.ts';
import { startEnvironment } from '#test/stand-ins/lambda/environment.ts';

vi.setConfig({ testTimeout: 240_000 });

let demo: DemoPackage;
let cloud: DeployedCloud;

beforeAll(async () => {
  demo = await importDemo();
  cloud = await startDeployedCloud({ ...demo, compute: 'lambda' });
  // As many environments as there may be: a client's patience is not for three starts on two cores.
  const ids = await Promise.all(Array.from({ length: 3 }, async () => (await order()).id));
  for (const id of ids) expect((await ended(id)).status).toBe('succeeded');
}, 600_000);
afterAll(async () => {
  if (cloud !== undefined) await expectInvariant(cloud.system.ledger);
  await cloud?.stop();
  demo?.remove();
}, 120_000);

const start = async () => ({ ...asServed(cloud), hardware: 'lambda' });
describeReplicateClient('a function that draws', start);
describeOpenAiClient('a function that draws', start);
describeAiSdk('a function that draws', start);
describeFalClient('a function that draws', start);
describeMcpClient('a function that draws', start);

/** Four pictures of the largest size. */
const LONG = { num_outputs: 4, width: 320, height: 304 };

interface Prediction {
  readonly id: string;
  readonly status: string;
  readonly error: unknown;
  readonly output: readonly string[] | null;
}

const call = async (method: string, path: string, body?: object): Promise<Prediction> =>
  (await asServed(cloud).call(method, path, body)) as Prediction;
const order = (input: object = {}) =>
  call('POST', '/v1/predictions', { model: MODEL, input: { prompt: 'a house', ...input } });

/** The prediction once it has ended; the sweep finds what nobody tells of. */
const ended = (id: string) =>
  vi.waitFor(
    async () => {
      const seen = await call('GET', `/v1/predictions/${id}`);
      expect(['succeeded', 'failed', 'canceled']).toContain(seen.status);
      return seen;
    },
    { timeout: 90_000, interval: 200 },
  );

/** Entries of the ledger by a prediction, which are a hold and one end of it. */
async function entriesOf(id: string): Promise<string[]> {
  const { account } = cloud.operator;
  const entries = await cloud.system.ledger.entries({ account, limit: 500 });
  return entries
    .filter(({ job }) => job === id)
    .map(({ kind }) => kind)
    .sort();
}

/** The processes of Lambda's runtime that run the function's code. */
function runtimes(): number[] {
  const folder = cloud.drawingOptions?.fn.folder;
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const isThere = readlinkSync(`/proc/${pid}/cwd`) === folder;
        return isThere && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('aws-lambda-ric');
      } catch {
        return false;
      }
    })
    .map(Number);
}

describe('a function that draws', () => {
  it('is ready before its first order comes, and answers it with a receipt', async () => {
    const options = cloud.drawingOptions;
    if (options === undefined) throw new Error('no function draws');
    const begun = performance.now();
    const environment = await startEnvironment(options);
    const { answer } = environment.handle(
      inferenceRequest('direct', {
        model: { name: MODEL, digest: demo.manifest.digest },
        store: { kind: 's3', bucket: cloud.resources.outputBucket, prefix: 'outputs/direct/' },
      }),
    );
    const receipt = ReceiptSchema.parse(JSON.parse(await text((await answer).body)));
    const seconds = ((performance.now() - begun) / 1000).toFixed(2);
    process.stdout.write(`from a start of the function to its first picture: ${seconds} s\n`);
    await environment.stop();
    expect(receipt).toMatchObject({ job: 'direct', images: [{ index: 0 }], ms: { load: 0 } });
  });

  it('draws what SageMaker would, and charges once', async () => {
    const { id } = await order({ seed: 5 });
    const { status, output } = await ended(id);
    expect([status, output?.length]).toEqual(['succeeded', 1]);
    expect(await entriesOf(id)).toEqual(['capture', 'hold']);
  });

  it('has three orders at most, whatever waits', async () => {
    const ids = await Promise.all(Array.from({ length: 8 }, async () => (await order()).id));
    for (const id of ids) expect((await ended(id)).status).toBe('succeeded');
    expect(cloud.drawn?.mostAtOnce()).toBeLessThanOrEqual(3);
  });

  it('stops between two pictures when it is cancelled', async () => {
    const { id } = await order(LONG);
    // What the function itself writes: the API may know a second later, when all of them are drawn.
    await vi.waitFor(
      async () => expect(await cloud.system.blobs.head(jobMarks.started(id))).toBeDefined(),
      { timeout: 30_000, interval: 5 },
    );
    // Held still meanwhile: on a quick machine its pictures are drawn before the cancellation is written.
    const held = runtimes();
    for (const pid of held) process.kill(pid, 'SIGSTOP');
    try {
      await call('POST', `/v1/predictions/${id}/cancel`);
    } finally {
      for (const pid of held) process.kill(pid, 'SIGCONT');
    }
    expect((await ended(id)).status).toBe('canceled');
    expect(await entriesOf(id)).toHaveLength(2);
  });

  it('that crashes in the middle is run again, and the order ends once', async () => {
    const before = cloud.drawn?.invocations() ?? 0;
    const { id } = await order(LONG);
    await vi.waitFor(
      async () => expect((await call('GET', `/v1/predictions/${id}`)).status).toBe('processing'),
      { timeout: 30_000, interval: 50 },
    );
    for (const pid of runtimes()) process.kill(pid, 'SIGKILL');
    expect((await ended(id)).status).toBe('succeeded');
    expect(cloud.drawn?.invocations()).toBe(before + 2);
    expect(await entriesOf(id)).toEqual(['capture', 'hold']);
  });
});

describe('a function that has too little', () => {
  it.each([
    ['time', { timeoutSeconds: 0.3 }, /too long/],
    ['memory', { memoryMib: 256 }, /memory|could not be made|ended/],
  ] as const)('%s: the order fails once, and nothing is charged', async (_, drawing, message) => {
    const poor = await startDeployedCloud({ ...demo, compute: 'lambda', drawing });
    try {
      const served = asServed(poor);
      const created = await served.call('POST', '/v1/predictions', {
        model: MODEL,
        input: { prompt: 'a house', ...LONG },
      });
      const seen = await vi.waitFor(
        async () => {
          const prediction = await served.call('GET', `/v1/predictions/${created.id}`);
          expect(prediction.status).toBe('failed');
          return prediction;
        },
        { timeout: 90_000, interval: 300 },
      );
      expect(JSON.stringify(seen.error)).toMatch(message);
      const { account } = poor.operator;
      const entries = await poor.system.ledger.entries({ account, limit: 50 });
      const kinds = entries.filter(({ job }) => job === created.id).map(({ kind }) => kind);
      expect(kinds.sort()).toEqual(['hold', 'release']);
      await expectInvariant(poor.system.ledger);
    } finally {
      await poor.stop();
    }
  });
});
