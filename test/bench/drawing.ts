import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { runCommand } from '#functions/cli/deploy/run-command.ts';
import { stageDrawingFunction } from '#functions/cli/deploy/stage-drawing.ts';
import { DRAWING_LIMITS } from '#infra/gpu/drawing-function.ts';
import { ReceiptSchema } from '#shared/core/inference.ts';
import { type DemoPackage, importDemo } from '#test/helpers/demo-package.ts';
import { inferenceRequest } from '#test/helpers/gpu-process.ts';
import { ROOT } from '#test/helpers/root.ts';
import { startEnvironment } from '#test/stand-ins/lambda/environment.ts';
import { installLambda } from '#test/stand-ins/lambda/install.ts';
import type { Bench, BenchIo } from './bench.ts';
import { median } from './median.ts';

const RUNS = 5;
/** What this measures has no bound of its own. */
const INIT_TIMEOUT_MS = 120_000;

interface DrawingTimes {
  /** Until the runtime asks for the first event: code, libraries, model, warm-up. */
  readonly initMs: number;
  /** From that event to its receipt. */
  readonly pictureMs: number;
}

/** One start of the function that draws, and its first picture. */
async function startOnce(
  program: string,
  runtime: string,
  code: string,
  { folder, manifest }: DemoPackage,
  output: string,
): Promise<DrawingTimes> {
  const began = performance.now();
  const environment = await startEnvironment({
    parts: { node: program, runtime, emulator: '' },
    credentials: { accessKeyId: 'none', secretAccessKey: 'none' },
    onLine: () => undefined,
    initTimeoutMs: INIT_TIMEOUT_MS,
    fn: {
      name: 'drawing',
      folder: code,
      handler: 'index.handler',
      environment: { DEVICE: 'cpu', IN_FLIGHT: '1', MODEL_FOLDERS: folder, DATA_FOLDER: output },
      ...DRAWING_LIMITS,
      logFormat: 'JSON',
    },
  });
  const ready = performance.now();
  const request = inferenceRequest('bench', {
    model: { name: 'onestep/demo', digest: manifest.digest },
    store: { kind: 'file', prefix: 'outputs/bench/' },
  });
  const { answer } = environment.handle(request);
  const said = await text((await answer).body);
  const done = performance.now();
  await environment.stop();
  ReceiptSchema.parse(JSON.parse(said));
  return { initMs: ready - began, pictureMs: done - ready };
}

async function measure({ stderr }: BenchIo): Promise<DrawingTimes[]> {
  stderr.write('Staging the code and the model …\n');
  const code = await stageDrawingFunction(runCommand, ROOT);
  const { node, runtime } = await installLambda();
  const demo = await importDemo();
  const output = mkdtempSync(join(tmpdir(), 'onestep-drawing-'));
  try {
    // The function and its worker, both on the first processor.
    const program = join(output, 'node');
    writeFileSync(program, `#!/bin/sh\nexec taskset --cpu-list 0 ${node} "$@"\n`);
    chmodSync(program, 0o755);
    const times: DrawingTimes[] = [];
    for (let run = 1; run <= RUNS; run++) {
      stderr.write(`Start ${run} of ${RUNS} …\n`);
      times.push(await startOnce(program, runtime, code, demo, output));
    }
    return times;
  } finally {
    demo.remove();
    rmSync(output, { recursive: true, force: true });
  }
}

const roundedMedian = (values: readonly number[]): number => Math.round(median(values));

/** `npm run -s bench -- drawing`: a start and the first picture of a function on one core, files at hand. */
export const drawingBench: Bench = {
  summary: "the function that draws, under Lambda's runtime on one core: start and first picture",
  async run(io) {
    const times = await measure(io);
    const result = {
      initMs: roundedMedian(times.map(({ initMs }) => initMs)),
      pictureMs: roundedMedian(times.map(({ pictureMs }) => pictureMs)),
      bothMs: roundedMedian(times.map(({ initMs, pictureMs }) => initMs + pictureMs)),
    };
    const lines = Object.entries(result).map(([name, ms]) => `${name.padEnd(10)}${ms}\n`);
    io.stdout.write(io.json ? `${JSON.stringify(result)}\n` : lines.join(''));
  },
};
