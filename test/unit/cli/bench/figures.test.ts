import { describe, expect, it } from 'vitest';
import { likeness } from '#shared/engine/pipeline/likeness.ts';
import { imageTimes } from '#functions/cli/bench/warm-times.ts';

const phases = (...images: readonly (readonly [number, number, number, number])[]) =>
  [
    ['load', 9] as const,
    ...images.flatMap(([text, unet, vae, encode]) => [
      ['text', text] as const,
      ['unet', unet] as const,
      ['vae', vae] as const,
      ['encode', encode] as const,
    ]),
  ].map(([phase, seconds]) => ({ phase, seconds, peakRssBytes: 0, peakAnonymousBytes: 0 }));

describe('the times of several images', () => {
  it('tell the first from the others, of which the median counts', () => {
    const times = imageTimes(
      phases([1, 2, 3, 4], [0.1, 0.2, 0.3, 0.4], [0.1, 0.2, 0.3, 0.4], [5, 5, 5, 5]),
    );
    expect(times.firstImageSeconds).toBe(10);
    expect(times.warmMs).toEqual({ text: 100, unet: 200, vae: 300, encode: 400, total: 1000 });
  });

  it('have no warm image where there was only one', () => {
    expect(imageTimes(phases([1, 2, 3, 4]))).toEqual({ firstImageSeconds: 10, warmMs: null });
  });
});

describe('the likeness of two pictures', () => {
  it('is in decibels of the noise between them', () => {
    const grey = new Uint8Array(300).fill(100);
    expect(likeness(grey, grey)).toEqual({ equal: true, psnrDb: null, largest: 0 });
    const off = likeness(grey, new Uint8Array(300).fill(101));
    expect(off).toEqual({ equal: false, psnrDb: 48.1, largest: 1 });
  });

  it('is not known for pictures of two sizes', () => {
    expect(() => likeness(new Uint8Array(3), new Uint8Array(6))).toThrow();
  });
});
