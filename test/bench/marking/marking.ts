import { IMAGE_FORMATS, type ImageFormat } from '#shared/core/inference.ts';
import { FORMER_RECIPE } from '#shared/core/recipe.ts';
import { encodeImage } from '#shared/engine/pipeline/encode-image.ts';
import { signImage } from '#shared/provenance/c2pa/sign-image.ts';
import { createMarking } from '#shared/provenance/marking.ts';
import type { Bench, BenchIo } from '#test/bench/bench.ts';
import { median } from '#test/bench/median.ts';
import { type TestPicture, testPictures } from '#test/bench/watermark/pictures.ts';
import { type StartTimes, timeGenerate } from './generate-starts.ts';

/** `npm run -s bench -- marking [--pictures N] [--side PX] [--turns N]` */
export const markingBench: Bench = {
  summary: 'what marks cost: time and size of files with and without, and a start of generate',
  run: runBench,
};

const MODEL = { name: 'demo', digest: 'ab'.repeat(32), recipe: FORMER_RECIPE };
const SECRET = new Uint8Array(32).fill(7);
/** Rounds of each picture and format; the first warms up. */
const ROUNDS = 4;

async function runBench({ json, options = {}, stdout }: BenchIo): Promise<void> {
  const number = (name: string, otherwise: number): number => Number(options[name] ?? otherwise);
  const side = number('side', 1024);
  const pictures = await testPictures(number('pictures', 10), side);
  const files = [];
  for (const kind of ['photograph', 'demo'] as const) {
    const own = pictures.filter((picture) => picture.kind === kind);
    if (own.length === 0) continue;
    for (const format of IMAGE_FORMATS) files.push({ kind, ...(await measureFiles(own, format)) });
  }
  const turns = number('turns', 15);
  const generate = turns === 0 ? undefined : summarise(await timeGenerate(turns));
  const report = { side, files, generate };
  stdout.write(json ? `${JSON.stringify(report)}\n` : describe(report));
}

/** Medians of what every picture took with and without marks, in turn, and the sums of their files. */
async function measureFiles(pictures: readonly TestPicture[], format: ImageFormat) {
  const marked = await createMarking(SECRET);
  const unmarked = await createMarking(SECRET, { watermark: false });
  const times = { markedMs: [] as number[], unmarkedMs: [] as number[], signMs: [] as number[] };
  const bytes = { marked: 0, unmarked: 0 };
  for (const { image } of pictures) {
    const encode = (marking: typeof marked) =>
      encodeImage(
        { ...image, seed: 1 },
        { format, quality: 90, prompt: 'a house', model: MODEL, marking },
      );
    for (let round = 0; round < ROUNDS; round++) {
      const [one, markedMs] = await timed(() => encode(marked));
      const [other, unsignedMs] = await timed(() => encode(unmarked));
      // A second signature tells what the first one took, and adds as many bytes.
      const claim = { version: '0.1.0', model: MODEL };
      const sign = () => signImage(other.bytes, format, claim, marked.signer);
      const [twice, signMs] = await timed(sign);
      if (round === 0) {
        bytes.marked += one.bytes.length;
        bytes.unmarked += 2 * other.bytes.length - twice.length;
        continue;
      }
      times.markedMs.push(markedMs);
      times.unmarkedMs.push(unsignedMs - signMs);
      times.signMs.push(signMs);
    }
  }
  return {
    format,
    pictures: pictures.length,
    marked_ms: median(times.markedMs),
    unmarked_ms: median(times.unmarkedMs),
    sign_ms: median(times.signMs),
    marked_kb: bytes.marked / pictures.length / 1000,
    unmarked_kb: bytes.unmarked / pictures.length / 1000,
  };
}

async function timed<T>(work: () => Promise<T>): Promise<[T, number]> {
  const started = performance.now();
  const result = await work();
  return [result, performance.now() - started];
}

function summarise(pairs: readonly { marked: StartTimes; unmarked: StartTimes }[]) {
  const of = (name: keyof StartTimes) => ({
    marked_ms: median(pairs.map(({ marked }) => marked[name])),
    unmarked_ms: median(pairs.map(({ unmarked }) => unmarked[name])),
    ratio: median(pairs.map(({ marked, unmarked }) => marked[name] / unmarked[name])),
  });
  return { turns: pairs.length, cpu: of('cpuMs'), wall: of('wallMs') };
}

interface Report {
  readonly side: number;
  readonly files: readonly ({ kind: string } & Awaited<ReturnType<typeof measureFiles>>)[];
  readonly generate: ReturnType<typeof summarise> | undefined;
}

function describe({ side, files, generate }: Report): string {
  const lines = files.map(
    (row) =>
      `${row.pictures} ${row.kind}, ${row.format}: ${row.marked_ms.toFixed(1)} ms with marks, ${row.unmarked_ms.toFixed(1)} without (${row.sign_ms.toFixed(1)} of it the signature); ${row.marked_kb.toFixed(1)} KB, ${row.unmarked_kb.toFixed(1)} KB`,
  );
  const starts = (['cpu', 'wall'] as const).flatMap((name) => {
    const row = generate?.[name];
    if (row === undefined) return [];
    return `generate, ${name}: ${row.marked_ms.toFixed()} ms with marks, ${row.unmarked_ms.toFixed()} without; of pairs, ${row.ratio.toFixed(3)}`;
  });
  return `${[`${side} × ${side} pixels; medians`, ...lines, ...starts].join('\n')}\n`;
}
