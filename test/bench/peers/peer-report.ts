/** One process's seconds of each picture. */
export interface PeerReport {
  readonly kind: string;
  readonly decoder: string;
  /** Pixels. */
  readonly side: number;
  readonly unet: readonly number[];
  readonly decoderSeconds: readonly number[];
  readonly peakRssBytes: number;
  /** Without pages that a file backs, such as weights in the page cache; of Onestep alone. */
  readonly peakAnonymousBytes?: number;
}

/** The longest kind's name and a blank. */
const KIND_WIDTH = 30;

/** One process as a line for a person. */
export const reportLine = ({ kind, unet, decoderSeconds }: PeerReport): string =>
  `${kind.padEnd(KIND_WIDTH)} UNet ${unet.join(' / ')} s, decoder ${decoderSeconds.join(' / ')} s`;

/** Seconds of a picture, and how many times as long as the fastest kind's that is. */
interface Beside {
  readonly seconds: number;
  readonly ofFastest: number;
}

/** A kind's processes, one a round, beside the fastest kind's. */
export interface Standing {
  readonly kind: string;
  readonly best: Beside;
  /** Each beside the fastest of its round. */
  readonly rounds: readonly Beside[];
}

/** UNet and decoder together, each at its fastest: what comes first pays for fresh memory. */
const pictureSeconds = ({ unet, decoderSeconds }: PeerReport): number =>
  Math.min(...unet) + Math.min(...decoderSeconds);

/** What the reports of whole rounds come to, kind by kind. */
export function standings(reports: readonly PeerReport[]): readonly Standing[] {
  const sums = new Map<string, number[]>();
  for (const report of reports) {
    sums.set(report.kind, [...(sums.get(report.kind) ?? []), pictureSeconds(report)]);
  }
  const all = [...sums.values()];
  const beside = (seconds: number, others: readonly number[]): Beside => ({
    seconds,
    ofFastest: seconds / Math.min(...others),
  });
  const best = all.map((rounds) => Math.min(...rounds));
  return [...sums].map(([kind, rounds]) => ({
    kind,
    best: beside(Math.min(...rounds), best),
    rounds: rounds.map((seconds, round) =>
      beside(
        seconds,
        all.map((other) => other[round] ?? Number.POSITIVE_INFINITY),
      ),
    ),
  }));
}

/** The standing as a line for a person. */
export function standingLine({ kind, best, rounds }: Standing): string {
  const text = ({ seconds, ofFastest }: Beside) =>
    `${seconds.toFixed(2)} s (${ofFastest.toFixed(2)})`;
  return `${kind.padEnd(KIND_WIDTH)} best ${text(best)}, rounds ${rounds.map(text).join(' / ')}`;
}
