import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureDemoModel } from '#functions/local/demo-model.ts';
import { InferenceErrorSchema, ReceiptSchema } from '#shared/core/inference.ts';
import { type GpuProcess, inferenceRequest, startGpuProcess } from '#test/helpers/gpu-process.ts';

/** Large enough that a test can step in between two images. */
const LONG = { width: 320, height: 320, num_outputs: 12 };

const data = mkdtempSync(join(tmpdir(), 'onestep-gpu-'));
let gpu: GpuProcess;

beforeAll(async () => {
  gpu = await startGpuProcess({ MODEL_FOLDERS: await ensureDemoModel(data), DATA_FOLDER: data });
  await gpu.ready();
});
afterAll(async () => {
  await gpu.close();
  rmSync(data, { recursive: true });
});

const outputsOf = (job: string): string[] => {
  const folder = join(data, 'outputs', job);
  return existsSync(folder) ? readdirSync(folder).sort() : [];
};
/** Resolves when the job has finished this many images. */
async function imagesDone(job: string, count: number): Promise<void> {
  for (;;) {
    const answer = await fetch(`${gpu.url}/jobs/${job}`);
    const { images_done } = (await answer.json()) as { images_done: number };
    if (answer.ok && images_done >= count) return;
    await new Promise((done) => setTimeout(done, 10));
  }
}

describe('an invocation', () => {
  it('answers a receipt of the images in the store', async () => {
    const { status, body } = await gpu.invoke(inferenceRequest('r1', { num_outputs: 2 }));
    expect(status).toBe(200);
    const receipt = ReceiptSchema.parse(body);
    expect(outputsOf('r1')).toEqual(['0.png', '1.png', 'receipt.json']);
    expect(JSON.parse(readFileSync(join(data, 'outputs/r1/receipt.json'), 'utf8'))).toEqual(
      receipt,
    );
    for (const { key, sha256, bytes, seed, index } of receipt.images) {
      const file = readFileSync(join(data, key));
      expect(createHash('sha256').update(file).digest('hex')).toBe(sha256);
      expect(file.length).toBe(bytes);
      expect(seed).toBe(5 + index);
    }
    expect(JSON.parse(readFileSync(join(data, 'jobs/r1/phase'), 'utf8'))).toEqual({
      phase: 'running',
      images_done: 2,
    });
  });

  it('gives the same pixels for the second image of two and for its seed alone', async () => {
    await gpu.invoke(inferenceRequest('s1', { num_outputs: 2, output_format: 'webp' }));
    await gpu.invoke(inferenceRequest('s2', { seed: 6, output_format: 'webp' }));
    const [of, alone] = ['s1/1.webp', 's2/0.webp'].map((file) =>
      readFileSync(join(data, 'outputs', file)),
    );
    const pixels = (image: Buffer | undefined) => sharp(image).raw().toBuffer();
    expect((await pixels(of)).equals(await pixels(alone))).toBe(true);
  });

  it('warns of a prompt that is cut', async () => {
    const prompt = `${'dog '.repeat(80)}lighthouse`;
    const { body } = await gpu.invoke(inferenceRequest('w1', { prompt }));
    expect(ReceiptSchema.parse(body).warnings[0]).toMatch(/this part was cut: ".*lighthouse"/);
  });

  it.each([
    ['width', { width: 250 }],
    ['seed', { seed: -1 }],
    ['colour', { colour: 'red' }],
    ['does not serve', { model: { name: 'onestep/other' } }],
    ['does not serve', { model: { name: 'onestep/demo', digest: '0'.repeat(64) } }],
    ['is not a blob key', { store: { kind: 'file', prefix: '../up' } }],
    ['does not write', { store: { kind: 's3', bucket: 'bucket', prefix: 'outputs/x' } }],
    ['signing_key', { signing_key: 'short' }],
  ])('refuses what cannot be made: %s', async (message, changes) => {
    const { status, body } = await gpu.invoke(inferenceRequest('bad', changes));
    expect(status).toBe(422);
    const { error } = InferenceErrorSchema.parse(body);
    expect(error).toMatchObject({ code: 'invalid-input', retryable: false });
    expect(error.message).toContain(message);
    expect(outputsOf('bad')).toEqual([]);
  });
});

describe('a body beyond the limit', () => {
  it('is refused, and no other request follows on its connection', async () => {
    const body = JSON.stringify({ prompt: 'x'.repeat(300_000) });
    const answer = await fetch(`${gpu.url}/invocations`, { method: 'POST', body });
    expect([answer.status, answer.headers.get('connection')]).toEqual([422, 'close']);
    const { error } = InferenceErrorSchema.parse(await answer.json());
    expect(error.message).toContain('longer than 262144 bytes');
  });
});

describe('an order that ends early', () => {
  it('keeps the finished images when it is canceled, and /ping answers all through', async () => {
    const answer = gpu.invoke(inferenceRequest('c1', LONG));
    await imagesDone('c1', 1);
    expect((await gpu.ping()).status).toBe(200);
    expect((await fetch(`${gpu.url}/invocations/c1`, { method: 'DELETE' })).status).toBe(202);
    const { status, body } = await answer;
    const { error } = InferenceErrorSchema.parse(body);
    expect([status, error.code]).toEqual([499, 'canceled']);
    const names = error.images?.map(({ index }) => `${index}.png`) ?? [];
    expect(names.length).toBeGreaterThan(0);
    expect(names.length).toBeLessThan(LONG.num_outputs);
    expect(outputsOf('c1')).toEqual([...names, 'receipt.json']);
  });

  it('stops between two images at a mark in the store', async () => {
    const answer = gpu.invoke(inferenceRequest('m1', LONG));
    await imagesDone('m1', 1);
    mkdirSync(join(data, 'jobs/m1'), { recursive: true });
    writeFileSync(join(data, 'jobs/m1/cancel'), '{}');
    const { status, body } = await answer;
    expect(status).toBe(499);
    expect(InferenceErrorSchema.parse(body).error.images?.length).toBeLessThan(LONG.num_outputs);
  });

  it('is not begun when the mark is there before it', async () => {
    mkdirSync(join(data, 'jobs/m2'), { recursive: true });
    writeFileSync(join(data, 'jobs/m2/cancel'), '{}');
    const { status } = await gpu.invoke(inferenceRequest('m2'));
    expect(status).toBe(499);
    expect(outputsOf('m2')).toEqual([]);
  });

  it('leaves nothing behind when its deadline passes', async () => {
    const { status, body } = await gpu.invoke(
      inferenceRequest('d1', { ...LONG, num_outputs: 16, deadline: Date.now() + 700 }),
    );
    expect([status, InferenceErrorSchema.parse(body).error.code]).toEqual([
      504,
      'deadline-exceeded',
    ]);
    expect(outputsOf('d1')).toEqual([]);
    expect((await gpu.invoke(inferenceRequest('d2'))).status).toBe(200);
  });

  it('fails when the inference process is killed, and the next one works', async () => {
    const answer = gpu.invoke(inferenceRequest('k1', LONG));
    await imagesDone('k1', 1);
    process.kill(gpu.workerPid(), 'SIGKILL');
    const { status, body } = await answer;
    expect(status).toBe(500);
    expect(InferenceErrorSchema.parse(body).error).toMatchObject({
      code: 'model-error',
      retryable: true,
    });
    expect(outputsOf('k1')).toEqual([]);
    expect((await gpu.invoke(inferenceRequest('k2'))).status).toBe(200);
  });
});

describe('the end', () => {
  it('waits for the running order on SIGTERM and sends the waiting one away', async () => {
    const running = gpu.invoke(inferenceRequest('t1', { ...LONG, num_outputs: 2 }));
    const waiting = gpu.invoke(inferenceRequest('t2'));
    await imagesDone('t1', 0);
    const ended = gpu.close();
    expect((await running).status).toBe(200);
    expect((await waiting).status).toBe(503);
    await ended;
    expect(gpu.process.exitCode).toBe(0);
  });

  it('takes the inference process along when it is killed', async () => {
    const other = await startGpuProcess({ MODEL_FOLDERS: await ensureDemoModel(data) });
    await other.ready();
    const worker = other.workerPid();
    other.process.kill('SIGKILL');
    await expect.poll(() => isRunning(worker), { timeout: 5000 }).toBe(false);
  });

  it('refuses to start on the CPU when it was told to use CUDA', async () => {
    const start = startGpuProcess({ MODEL_FOLDERS: await ensureDemoModel(data), DEVICE: 'cuda' });
    if (existsSync('/dev/nvidiactl')) await (await start).close();
    else await expect(start).rejects.toThrow('did not start');
  });
});

/** Whether the process runs; one that only waits to be reaped does not. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
