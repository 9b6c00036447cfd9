import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SDXL_CONFIGS } from '#functions/cli/bench/sdxl-shape.ts';
import { encodeModel } from '#shared/engine/onnx/model-proto.ts';
import { cpuTarget } from '#shared/engine/onnx/sdxl/cpu-target.ts';
import { type ModelGraph, unetGraph } from '#shared/engine/onnx/sdxl/graphs.ts';
import { int8Target } from '#shared/engine/onnx/sdxl/int8-target.ts';
import { readUnetConfig } from '#shared/engine/onnx/sdxl/unet-config.ts';
import { tensorBytes } from '#shared/engine/onnx/stored-tensor.ts';
import { readModelConfig } from '#shared/engine/package/build-graphs.ts';
import { loadOnnxRuntime } from '#shared/engine/package/onnx-runtime.ts';
import { openRepository } from '#shared/engine/package/repository.ts';
import { storedTensors } from '#shared/engine/package/write-graphs.ts';
import { runtimeOptions } from '#shared/engine/pipeline/sessions.ts';
import { fromRoot } from '#test/helpers/root.ts';
import type { Bench, BenchIo } from './bench.ts';
import { median } from './median.ts';

const ROUNDS = 3;
const TARGETS = { fp32: () => cpuTarget, int8: () => int8Target({ kept: new Set() }) };

/** Opens a UNet's session and closes it: milliseconds of processor time. */
async function open(file: string, weightBytes: number): Promise<number> {
  const ort = await loadOnnxRuntime();
  const options = runtimeOptions({ device: 'cpu' }, weightBytes);
  // Not what converting weights costs on processors where sums of int8 could overflow.
  const settings = options.extra?.['session'] as Readonly<Record<string, unknown>>;
  const extra = { session: { ...settings, x64quantprecision: '0' } };
  const before = process.cpuUsage();
  const session = await ort.InferenceSession.create(file, { ...options, extra });
  const { user, system } = process.cpuUsage(before);
  await session.release();
  return (user + system) / 1000;
}

/** UNets by name, and how many values their texts have once pooled. */
function unets() {
  const { step, unet: demo, clip } = readModelConfig(openRepository(fromRoot('models/demo/repo')));
  const tiny = readModelConfig(openRepository(fromRoot('test/fixtures/tiny/repo')));
  return {
    tiny: { config: tiny.unet, pooled: tiny.clip[1].projection_dim, step },
    demo: { config: demo, pooled: clip[1].projection_dim, step },
    sdxl: {
      config: readUnetConfig(SDXL_CONFIGS.unet, 'unet'),
      pooled: SDXL_CONFIGS.text_encoder_2.projection_dim,
      step,
    },
  };
}

interface Opened {
  readonly unet: string;
  readonly dtype: string;
  /** Processor time without and with shapes. */
  readonly withoutMs: number;
  readonly withMs: number;
}

/** Opens one UNet's graph without and with shapes, by turns. */
async function compare({ graph }: ModelGraph, folder: string): Promise<[number, number]> {
  const tensors = storedTensors({ graph }).map(tensorBytes);
  const weights = join(folder, 'weights');
  writeFileSync(weights, '');
  // All weights lie on one another: zeros, as many as the largest of them has.
  truncateSync(weights, Math.max(...tensors));
  const files = [false, true].map((stateShapes): string => {
    const file = join(folder, `${stateShapes}.onnx`);
    const place = { file: 'weights', offset: 0 };
    writeFileSync(
      file,
      encodeModel(graph, () => place, { stateShapes }),
    );
    return file;
  });
  const bytes = tensors.reduce((a, b) => a + b, 0);
  const times: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [which, list] of times.entries()) list.push(await open(files[which] ?? '', bytes));
  }
  return [Math.round(median(times[0])), Math.round(median(times[1]))];
}

async function measure({ stderr }: BenchIo): Promise<Opened[]> {
  const folder = mkdtempSync(join(tmpdir(), 'onestep-sessions-'));
  const opened: Opened[] = [];
  try {
    for (const [unet, { config, pooled, step }] of Object.entries(unets())) {
      for (const [dtype, target] of Object.entries(TARGETS)) {
        stderr.write(`${unet}, ${dtype} …\n`);
        const graph = unetGraph(target(), 'FLOAT', config, pooled, step);
        const [withoutMs, withMs] = await compare(graph, folder);
        opened.push({ unet, dtype, withoutMs, withMs });
      }
    }
    return opened;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** `npm run -s bench -- sessions`: what opening a UNet takes, with and without shapes, by turns. */
export const sessionsBench: Bench = {
  summary: "opening a UNet's session: processor time with and without shapes between its nodes",
  async run(io) {
    const opened = await measure(io);
    const lines = opened.map(
      ({ unet, dtype, withoutMs, withMs }) => `${unet} ${dtype}: ${withoutMs} → ${withMs} ms\n`,
    );
    io.stdout.write(io.json ? `${JSON.stringify(opened)}\n` : lines.join(''));
  },
};
