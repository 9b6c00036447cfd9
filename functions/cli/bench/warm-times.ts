import type { PhaseRecord } from './run-task.ts';

/** The phases of one image, first to last. */
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
  const times = IMAGE_PHASES.map((name) =>
    phases.filter(({ phase }) => phase === name).map(({ seconds }) => seconds * 1000),
  );
  const images = Math.min(...times.map((ms) => ms.length));
  const totals = Array.from({ length: images }, (_, image) =>
    times.reduce((sum, ms) => sum + (ms[image] ?? 0), 0),
  );
  const warm = (ms: readonly number[] = []) => Math.round(median(ms.slice(1)) * 10) / 10;
  const [text, unet, vae, encode] = times.map(warm) as [number, number, number, number];
  return {
    firstImageSeconds: Math.round(totals[0] ?? 0) / 1000,
    warmMs: images < 2 ? null : { text, unet, vae, encode, total: warm(totals) },
  };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? 0) + (sorted[Math.ceil(middle)] ?? 0)) / 2;
}
