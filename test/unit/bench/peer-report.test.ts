import { describe, expect, it } from 'vitest';
import { type PeerReport, standingLine, standings } from '#test/bench/peers/peer-report.ts';

const report = (
  kind: string,
  unet: readonly number[],
  decoderSeconds: readonly number[],
): PeerReport => ({ kind, decoder: 'vae', side: 64, unet, decoderSeconds, peakRssBytes: 1 });

describe('the kinds of the peers bench', () => {
  const [quick, slow] = standings([
    report('quick', [5, 4], [2, 1]),
    report('slow', [9, 8], [2, 4]),
    report('quick', [3, 4], [3, 1]),
    report('slow', [7, 6], [1, 2]),
  ]);

  it('stand beside the fastest: the best of all rounds, and each round', () => {
    expect(quick).toEqual({
      kind: 'quick',
      best: { seconds: 4, ofFastest: 1 },
      rounds: [
        { seconds: 5, ofFastest: 1 },
        { seconds: 4, ofFastest: 1 },
      ],
    });
    expect(slow).toEqual({
      kind: 'slow',
      best: { seconds: 7, ofFastest: 1.75 },
      rounds: [
        { seconds: 10, ofFastest: 2 },
        { seconds: 7, ofFastest: 1.75 },
      ],
    });
  });

  it('are printed a line each', () => {
    expect(slow && standingLine(slow)).toMatch(
      /^slow +best 7\.00 s \(1\.75\), rounds 10\.00 s \(2\.00\) \/ 7\.00 s \(1\.75\)$/,
    );
  });
});
