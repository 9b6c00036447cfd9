import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { floatToHalf } from '#shared/engine/bytes/half.ts';
import { cpuTarget } from '#shared/engine/onnx/sdxl/cpu-target.ts';
import { vaeGraph } from '#shared/engine/onnx/sdxl/graphs.ts';
import { readDecoderConfig } from '#shared/engine/onnx/sdxl/vae-config.ts';
import type { CheckpointTensor } from '#shared/engine/onnx/stored-tensor.ts';
import { buildGraphs, readModelConfig } from '#shared/engine/package/build-graphs.ts';
import { openRepository, type Part } from '#shared/engine/package/repository.ts';
import { SDXL_CONFIGS, TAESDXL_CONFIG } from './sdxl-shape.ts';

const HALF_BYTES = 2;
/** Random values, of which each tensor takes its own stretch. */
const POOL_VALUES = 2 ** 22;
/** Of a tensor with fewer values, only these are made. */
const POOLED_VALUES = 2 ** 16;
/** √12: the width of a uniform distribution of variance one. */
const UNIT_WIDTH = Math.sqrt(12);

/**
 * Writes a repository with SDXL's configurations and tensor names, and random float16 weights of
 * such sizes that activations neither vanish nor grow.
 *
 * @param tokenizers a folder with `tokenizer`, `tokenizer_2` and `scheduler` to take over
 * @param configs the configuration of each part with weights
 */
export async function writeRandomRepository(
  folder: string,
  tokenizers: string,
  configs: Readonly<Record<Part, object>> = SDXL_CONFIGS,
): Promise<void> {
  for (const [part, config] of Object.entries(configs)) {
    mkdirSync(join(folder, part), { recursive: true });
    writeFileSync(join(folder, part, 'config.json'), JSON.stringify(config));
  }
  for (const name of ['tokenizer', 'tokenizer_2', 'scheduler']) {
    cpSync(join(tokenizers, name), join(folder, name), { recursive: true });
  }
  const graphs = buildGraphs(readModelConfig(openRepository(folder)), cpuTarget, 'FLOAT16');
  const pools = new RandomPools();
  for (const { scopes } of Object.values(graphs)) {
    for (const { part, asked } of scopes) {
      const stem = part.startsWith('text') ? 'model' : 'diffusion_pytorch_model';
      const path = join(folder, part, `${stem}.safetensors`);
      await writeRandomTensors(path, [...asked.values()], pools);
    }
  }
}

/** Writes the decoders of SDXL and TAESDXL with random weights, as `vae` and `draft`. */
export async function writeRandomDecoders(folder: string): Promise<void> {
  const pools = new RandomPools();
  for (const [name, config] of Object.entries({ vae: SDXL_CONFIGS.vae, draft: TAESDXL_CONFIG })) {
    const path = join(folder, name);
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, 'config.json'), JSON.stringify(config));
    const { scopes } = vaeGraph(cpuTarget, 'FLOAT16', readDecoderConfig(config, path));
    for (const { asked } of scopes) {
      const weights = join(path, 'diffusion_pytorch_model.safetensors');
      await writeRandomTensors(weights, [...asked.values()], pools);
    }
  }
}

async function writeRandomTensors(
  path: string,
  tensors: readonly CheckpointTensor[],
  pools: RandomPools,
): Promise<void> {
  let end = 0;
  const entries = tensors.map(({ name, shape }) => {
    const begin = end;
    end += count(shape) * HALF_BYTES;
    return [name, { dtype: 'F16', shape, data_offsets: [begin, end] }];
  });
  const header = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  const file = await open(path, 'wx');
  try {
    await file.writev([length, header]);
    for (const tensor of tensors) await writeTensor(file, tensor, pools);
  } finally {
    await file.close();
  }
}

async function writeTensor(
  file: FileHandle,
  { name, shape }: CheckpointTensor,
  pools: RandomPools,
): Promise<void> {
  const values = count(shape);
  for (let done = 0; done < values; ) {
    const part = pools.next(name, shape, values - done);
    await file.write(new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
    done += part.length;
  }
}

const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Mean and deviation of a trained tensor of that name, roughly. */
function spreadOf(name: string, shape: readonly number[]): readonly [number, number] {
  if (/norm\w*\.weight$/.test(name)) return [1, 0.05];
  if (shape.length === 1) return [0, 0.05];
  return [0, 1 / Math.sqrt(count(shape.slice(1)))];
}

/** Numbers in −½…½ as halves of that mean and deviation. */
function halvesOf(uniform: Float32Array, mean: number, deviation: number): Uint16Array {
  const width = deviation * UNIT_WIDTH;
  const floats = uniform.map((value) => mean + value * width);
  const halves = new Uint16Array(floats.length);
  floatToHalf(new Uint32Array(floats.buffer), halves);
  return halves;
}

/** Uniform random halves, one pool for each mean and deviation. */
class RandomPools {
  private readonly pools = new Map<string, Uint16Array>();
  private state = 1;
  /** Numbers in −½…½, the source of all pools. */
  private readonly uniform = new Float32Array(POOL_VALUES).map(() => this.number() - 0.5);

  /** Up to `most` values, different at every call, roughly as a trained tensor of that name has them. */
  next(name: string, shape: readonly number[], most: number): Uint16Array {
    const start = Math.floor(this.number() * (POOL_VALUES / 2));
    const [mean, deviation] = spreadOf(name, shape);
    const end = Math.min(start + most, POOL_VALUES);
    if (most >= POOLED_VALUES) return this.pool(mean, deviation).subarray(start, end);
    return halvesOf(this.uniform.subarray(start, end), mean, deviation);
  }

  private pool(mean: number, deviation: number): Uint16Array {
    const key = `${mean} ${deviation}`;
    const known = this.pools.get(key);
    if (known !== undefined) return known;
    const halves = halvesOf(this.uniform, mean, deviation);
    this.pools.set(key, halves);
    return halves;
  }

  /** A number in 0…1: the mulberry32 generator. */
  private number(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
}
