import { createHash } from 'node:crypto';
import type { RgbImage } from '#shared/provenance/watermark/blocks.ts';
import { detectWatermark } from '#shared/provenance/watermark/detect-watermark.ts';
import { embedWatermark } from '#shared/provenance/watermark/embed-watermark.ts';
import type { Bench, BenchIo } from '#test/bench/bench.ts';
import { ATTACKS } from './attacks.ts';
import { type TestPicture, testPictures } from './pictures.ts';
import { randomCrop, syntheticPicture } from './unmarked.ts';

/** What the marks of one run came to. */
export interface WatermarkReport {
  readonly pictures: { readonly photographs: number; readonly demo: number; readonly side: number };
  /** Decibels, the mean and the least. */
  readonly psnr: { readonly mean: number; readonly least: number };
  readonly embedMs: number;
  readonly rows: readonly {
    readonly attack: string;
    readonly promised: number | undefined;
    /** Percent, with the right payload. */
    readonly found: number;
    readonly detectMs: number;
  }[];
  /** Marks found with another payload than was put in. */
  readonly wrong: number;
  readonly unmarked: { readonly looked: number; readonly found: number };
}

export interface WatermarkRun {
  readonly pictures: number;
  /** Pixels to a side. */
  readonly side: number;
  /** Pictures without a mark to look at: half synthetic, half parts of the photographs. */
  readonly unmarked: number;
  readonly onProgress?: (line: string) => void;
}

/** Puts marks into pictures, does to them what happens on the way, and looks for the marks. */
export async function measureWatermark(run: WatermarkRun): Promise<WatermarkReport> {
  const pictures = await testPictures(run.pictures, run.side);
  const random = seededRandom(1);
  const rows = ATTACKS.map(({ name, promised }) => ({ attack: name, promised, found: 0, ms: 0 }));
  const psnrs: number[] = [];
  let embedMs = Number.POSITIVE_INFINITY;
  let wrong = 0;
  for (const [index, { name, image }] of pictures.entries()) {
    const payload = payloadOf(index);
    const started = performance.now();
    const marked: RgbImage = { ...image, pixels: embedWatermark(image, payload) };
    embedMs = Math.min(embedMs, performance.now() - started);
    psnrs.push(psnrOf(image.pixels, marked.pixels));
    const lost: string[] = [];
    for (const [i, attack] of ATTACKS.entries()) {
      const attacked = await attack.apply(marked, random);
      const begun = performance.now();
      const found = detectWatermark(attacked);
      const row = rows[i] as (typeof rows)[number];
      row.ms += performance.now() - begun;
      if (found === undefined) lost.push(attack.name);
      else if (Buffer.compare(found.payload, payload) === 0) row.found += 1;
      else wrong += 1;
    }
    if (lost.length > 0) run.onProgress?.(`${name}: not found after ${lost.join('; ')}\n`);
  }
  return {
    pictures: {
      photographs: pictures.filter(({ kind }) => kind === 'photograph').length,
      demo: pictures.filter(({ kind }) => kind === 'demo').length,
      side: run.side,
    },
    psnr: {
      mean: psnrs.reduce((sum, value) => sum + value, 0) / psnrs.length,
      least: Math.min(...psnrs),
    },
    embedMs,
    rows: rows.map(({ ms, found, ...row }) => ({
      ...row,
      found: (100 * found) / pictures.length,
      detectMs: ms / pictures.length,
    })),
    wrong,
    unmarked: await lookAtUnmarked(run, pictures, random),
  };
}

const UNMARKED_SIDE = 192;

async function lookAtUnmarked(
  { unmarked, side }: WatermarkRun,
  pictures: readonly TestPicture[],
  random: () => number,
): Promise<WatermarkReport['unmarked']> {
  let found = 0;
  const crop = Math.min(side, UNMARKED_SIDE);
  for (let i = 0; i < unmarked; i += 1) {
    const picture = pictures[i % pictures.length] as TestPicture;
    const image =
      i % 2 === 0
        ? syntheticPicture(i / 2, UNMARKED_SIDE, random)
        : await randomCrop(picture, crop, random);
    if (detectWatermark(image) !== undefined) found += 1;
  }
  return { looked: unmarked, found };
}

function payloadOf(index: number): Uint8Array {
  return createHash('sha256').update(String(index)).digest().subarray(0, 6);
}

function psnrOf(a: Uint8Array, b: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += ((a[i] as number) - (b[i] as number)) ** 2;
  return 10 * Math.log10(255 ** 2 / (sum / a.length));
}

/** The same numbers in every run (Park and Miller's generator). */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

/** `npm run -s bench -- watermark [--pictures N] [--side PX] [--unmarked N]` */
export const watermarkBench: Bench = {
  summary: 'what the watermark lives through, and what it costs',
  run: runBench,
};

async function runBench({ json, options = {}, stdout, stderr }: BenchIo): Promise<void> {
  const number = (name: string, otherwise: number): number => Number(options[name] ?? otherwise);
  const report = await measureWatermark({
    pictures: number('pictures', 100),
    side: number('side', 512),
    unmarked: number('unmarked', 200),
    onProgress: (line) => stderr.write(line),
  });
  stdout.write(json ? `${JSON.stringify(report)}\n` : describe(report));
}

function describe({ pictures, psnr, embedMs, rows, wrong, unmarked }: WatermarkReport): string {
  const { photographs, demo, side } = pictures;
  const table = rows.map(({ attack, promised, found, detectMs }) => {
    const bar = promised === undefined ? '' : `at least ${promised} %`;
    return `${attack.padEnd(24)}${found.toFixed(1).padStart(6)} %  ${bar.padEnd(15)}${detectMs.toFixed().padStart(6)} ms`;
  });
  return [
    `${photographs} photographs and ${demo} pictures of the demo model, ${side} pixels to a side`,
    `PSNR ${psnr.mean.toFixed(2)} dB, at least ${psnr.least.toFixed(2)} dB; marking ${embedMs.toFixed(1)} ms`,
    ...table,
    `wrong payloads: ${wrong}; marks found in ${unmarked.looked} pictures without one: ${unmarked.found}\n`,
  ].join('\n');
}
