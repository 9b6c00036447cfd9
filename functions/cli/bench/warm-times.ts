import type { PhaseRecord } from './run-task.ts';

/** The phases of one image, in their order. */
const IMAGE_PHASES = ['text', 'unet', 'vae', 'encode'] as const;
type ImagePhase = (typeof IMAGE_PHASES)[number];

export interface ImageTimes {
  /** Seconds of the first image, from the loaded model to the encoded file. */
  readonly firstImageSeconds: number;
  /** Medians over the images after the first; null when there was only one. */
  readonly warmMs: Readonly<Record<ImagePhase | 'total', number>> | null;
}

/** What the phases of several images in a row come to. */
export function imageTimes(phases: readonly PhaseRecord[]): ImageTimes {
  const msOf = (name: ImagePhase) =>
    phases.filter(({ phase }) => phase === name).map(({ seconds }) => seconds * 1000);
  const times = IMAGE_PHASES.map((name) => ({ name, ms: msOf(name) }));
  const images = Math.min(...times.map(({ ms }) => ms.length));
  const totalOf = (image: number) => times.reduce((sum, { ms }) => sum + (ms[image] ?? 0), 0);
  const totals = Array.from({ length: images }, (_, image) => totalOf(image));
  const warm = (values: readonly number[]) => roundTenth(median(values.slice(1)));
  return {
    firstImageSeconds: Math.round(totalOf(0)) / 1000,
    warmMs:
      images < 2
        ? null
        : {
            ...(Object.fromEntries(times.map(({ name, ms }) => [name, warm(ms)])) as Record<
              ImagePhase,
              number
            >),
            total: warm(totals),
          },
  };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? 0) + (sorted[Math.ceil(middle)] ?? 0)) / 2;
}

const roundTenth = (value: number): number => Math.round(value * 10) / 10;
