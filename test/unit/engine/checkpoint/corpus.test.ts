import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { FormatError } from '#shared/core/errors.ts';
import { openCheckpoint } from '#shared/engine/checkpoint/open-checkpoint.ts';
import type { Checkpoint } from '#shared/engine/checkpoint/tensor.ts';

const FOLDER = 'test/fixtures/checkpoints';
const EXPECTED: Record<string, { result: 'reads' | 'refused'; tensors?: number; reason?: string }> =
  JSON.parse(readFileSync(`${FOLDER}/expected.json`, 'utf8'));

/** What each refusal has to say, for a refusal for the wrong reason is luck. */
const REASONS: Record<string, RegExp> = {
  'evil-reduce.bin': /"posix\.system".*nothing was executed/,
  'whole-module.bin': /Sequential".*state dict/,
  'truncated-0.05.bin': /truncated/,
  'truncated-0.5.bin': /truncated/,
  'truncated-0.9.bin': /truncated/,
  'truncated-0.999.bin': /truncated/,
  'legacy.bin': /before 1\.6/,
  'deflated.bin': /compressed member/,
  'missing-data.bin': /lacks its data/,
  'short-data.bin': /60 of 64 bytes/,
  'big-endian.bin': /byte order "big"/,
  'no-pickle.bin': /data\.pkl/,
  'stack-underflow.bin': /underflow/,
  'memo-bomb.bin': /no mapping of tensors/,
  'deep-nest.bin': /no mapping of tensors/,
  'not-a-zip.bin': /no checkpoint/,
  'empty.bin': /is empty/,
  'only-eocd.bin': /without members/,
  'size-bomb.bin': /impossible sizes/,
  'st-header-too-long.safetensors': /header of 1099511627776 bytes in 134/,
  'st-not-json.safetensors': /not JSON/,
  'st-overlap.safetensors': /overlaps/,
  'st-hole.safetensors': /hole/,
  'st-out-of-file.safetensors': /64 of 4096 bytes/,
  'st-size-mismatch.safetensors': /16 bytes by type and shape, but 12/,
  'st-negative.safetensors': /offsets/,
  'st-bad-dtype.safetensors': /"F99"/,
  'st-overflow.safetensors': /shape/,
  'st-duplicate-key.safetensors': /twice/,
  'st-empty.safetensors': /is empty/,
};

function contents(checkpoint: Checkpoint): Record<string, unknown> {
  const tensors = [...checkpoint.tensors.values()].map((tensor) => [
    tensor.name,
    [tensor.dtype, tensor.shape, Buffer.from(tensor.read()).toString('hex')],
  ]);
  return Object.fromEntries(tensors);
}

describe('openCheckpoint on a corpus of good and hostile files', () => {
  it.each(Object.entries(EXPECTED))('%s', (file, { result, tensors }) => {
    const path = `${FOLDER}/${file}`;
    if (result === 'refused') {
      expect(() => openCheckpoint(path)).toThrow(FormatError);
      expect(() => openCheckpoint(path)).toThrow(REASONS[file]);
      return;
    }
    const actual = openCheckpoint(path);
    const expected = openCheckpoint(path.replace(/\.bin$/, '.expected.safetensors'));
    expect(actual.tensors.size).toBe(tensors);
    expect(contents(actual)).toEqual(contents(expected));
    for (const tensor of actual.tensors.values()) {
      if (tensor.offset === undefined) continue;
      const bytes = readFileSync(tensor.file);
      const there = bytes.subarray(tensor.offset, tensor.offset + tensor.byteLength);
      expect(Buffer.compare(there, tensor.read())).toBe(0);
    }
    actual.close();
    expected.close();
  });

  it('says that channels-last values lie in another order', () => {
    const { tensors } = openCheckpoint(`${FOLDER}/channels-last.bin`);
    expect(tensors.get('conv.weight')?.offset).toBeUndefined();
  });
});
