import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type DemoPackage, importDemo } from '#test/helpers/demo-package.ts';
import { type GpuProcess, inferenceRequest, startGpuProcess } from '#test/helpers/gpu-process.ts';

const MEBIBYTE = 2 ** 20;
/** Three times the demo model's own side: an image of nine times as many pixels. */
const LARGE = 768;

let demo: DemoPackage;
let gpu: GpuProcess;
const data = mkdtempSync(join(tmpdir(), 'onestep-memory-'));

beforeAll(async () => {
  demo = await importDemo();
  gpu = await startGpuProcess({ MODEL_FOLDERS: demo.folder, DATA_FOLDER: data });
  await gpu.ready();
}, 120_000);
afterAll(async () => {
  await gpu.close();
  demo.remove();
  rmSync(data, { recursive: true, force: true });
});

/** Memory of the inference process that no file stands behind. */
function anonymousBytes(): number {
  const status = readFileSync(`/proc/${gpu.workerPid()}/status`, 'utf8');
  return Number(/^RssAnon:\s+(\d+) kB/m.exec(status)?.[1]) * 1024;
}

/** Draws one image; returns the most memory that the process took meanwhile. */
async function draw(job: string, side: number): Promise<number> {
  let peak = 0;
  const timer = setInterval(() => {
    peak = Math.max(peak, anonymousBytes());
  }, 10);
  const request = { model: { name: 'demo' }, width: side, height: side };
  const { status } = await gpu.invoke(inferenceRequest(job, request));
  clearInterval(timer);
  expect(status).toBe(200);
  return peak;
}

async function restingBytes(): Promise<number> {
  // The graph is loaded anew after the answer has gone out.
  await new Promise((resolve) => setTimeout(resolve, 1000));
  return anonymousBytes();
}

it.runIf(process.platform === 'linux')(
  'gives back what a large image took, and keeps drawing small ones',
  async () => {
    await draw('job-1', 256);
    const before = await restingBytes();
    const peak = await draw('job-2', LARGE);
    expect(peak - before).toBeGreaterThan(200 * MEBIBYTE);
    expect((await restingBytes()) - before).toBeLessThan(80 * MEBIBYTE);
    await draw('job-3', 256);
    expect((await restingBytes()) - before).toBeLessThan(80 * MEBIBYTE);
  },
  120_000,
);
