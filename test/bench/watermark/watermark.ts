import { availableParallelism } from 'node:os';
import { Tinypool } from 'tinypool';
import type { Bench, BenchIo } from '#test/bench/bench.ts';
import { ATTACKS } from './attacks.ts';
import type { MeasuredPicture } from './measure-picture.ts';
import { testPictures } from './pictures.ts';

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

/** Measures pictures beside each other, one on each processor. */
export async function measureWatermark(run: WatermarkRun): Promise<WatermarkReport> {
  const pictures = await testPictures(run.pictures, run.side);
  const pool = new Tinypool({
    filename: new URL('./measure-thread.mjs', import.meta.url).href,
    maxThreads: availableParallelism(),
    execArgv: [],
  });
  const measured: MeasuredPicture[] = await Promise.all(
    pictures.map(({ image }, index) => pool.run({ index, image }, { name: 'measurePicture' })),
  );
  const falselyFound: boolean[] = await Promise.all(
    Array.from({ length: run.unmarked }, (_, index) => {
      const image = index % 2 === 0 ? undefined : pictures[index % pictures.length]?.image;
      return pool.run({ index, image }, { name: 'isMarked' });
    }),
  );
  await pool.destroy();
  const outcomes = (attack: number) => measured.map(({ attacks }) => attacks[attack]);
  const share = (attack: number) =>
    (100 * outcomes(attack).filter((one) => one?.outcome === 'found').length) / pictures.length;
  for (const [index, { attacks }] of measured.entries()) {
    const lost = ATTACKS.filter((_, attack) => attacks[attack]?.outcome === 'lost');
    if (lost.length === 0) continue;
    const names = lost.map(({ name }) => name).join('; ');
    run.onProgress?.(`${pictures[index]?.name}: not found after ${names}\n`);
  }
  const psnrs = measured.map(({ psnr }) => psnr);
  return {
    pictures: {
      photographs: pictures.filter(({ kind }) => kind === 'photograph').length,
      demo: pictures.filter(({ kind }) => kind === 'demo').length,
      side: run.side,
    },
    psnr: { mean: meanOf(psnrs), least: Math.min(...psnrs) },
    embedMs: Math.min(...measured.map(({ embedMs }) => embedMs)),
    rows: ATTACKS.map(({ name, promised }, attack) => ({
      attack: name,
      promised,
      found: share(attack),
      detectMs: meanOf(outcomes(attack).map((one) => one?.detectMs ?? 0)),
    })),
    wrong: measured.flatMap(({ attacks }) => attacks).filter(({ outcome }) => outcome === 'wrong')
      .length,
    unmarked: { looked: run.unmarked, found: falselyFound.filter(Boolean).length },
  };
}

const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

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
