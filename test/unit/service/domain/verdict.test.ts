import { describe, expect, it } from 'vitest';
import type { JobId } from '#shared/core/ids.ts';
import type { Job } from '#shared/core/job.ts';
import { decide } from '#shared/service/domain/verdict.ts';
import { PRICE, sampleImage, sampleReceipt } from '#test/helpers/samples.ts';

describe('decide', () => {
  it('keeps the warnings that the order began with', () => {
    const job = { id: 'j', price: { perImage: PRICE }, input: { num_outputs: 1 } };
    const images = [sampleImage('j' as JobId, 0)];
    const begun = { ...job, warnings: ['unknown-words: …'] } as unknown as Job;
    const receipt = { ...sampleReceipt('j' as JobId, images), warnings: ['cut'] };
    expect(decide(begun, { kind: 'completed', receipt }, images).warnings).toEqual([
      'unknown-words: …',
      'cut',
    ]);
  });
});

describe('decide, with blocked images', () => {
  const job = {
    id: 'j',
    price: { perImage: PRICE },
    input: { num_outputs: 3 },
    warnings: [],
  } as unknown as Job;
  const image = (index: number) => sampleImage(job.id, index);
  const blocked = (...indexes: readonly number[]) =>
    indexes.map((index) => ({ index, reason: 'not allowed' }));

  it('charges what is handed out and says why the rest is not', () => {
    const images = [image(0), image(2)];
    const receipt = { ...sampleReceipt(job.id, images), blocked: blocked(1) };
    expect(decide(job, { kind: 'completed', receipt }, images)).toMatchObject({
      status: 'succeeded',
      capture: 2 * PRICE,
      warnings: ['Image 1 was blocked and not charged: not allowed'],
    });
  });

  it('tells images that got lost from those that were blocked', () => {
    const receipt = { ...sampleReceipt(job.id, [image(0), image(2)]), blocked: blocked(1) };
    const { warnings, capture } = decide(job, { kind: 'completed', receipt }, [image(0)]);
    expect(capture).toBe(PRICE);
    expect(warnings).toEqual([
      'Image 1 was blocked and not charged: not allowed',
      '1 of 3 images were made; the others were not charged',
    ]);
  });

  it('fails an order of which every image is blocked', () => {
    const receipt = { ...sampleReceipt(job.id, []), blocked: blocked(0, 1, 2) };
    expect(decide(job, { kind: 'completed', receipt }, [])).toMatchObject({
      status: 'failed',
      capture: 0,
      error: { code: 'content-blocked', message: 'Every image was blocked: not allowed' },
    });
  });
});
