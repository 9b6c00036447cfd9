import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { FormatError } from '#shared/core/errors.ts';
import { readCheckpoint } from '#shared/engine/checkpoint/open-checkpoint.ts';
import { elementCount } from '#shared/engine/checkpoint/tensor.ts';
import { memorySource } from '#test/helpers/memory-source.ts';

const FOLDER = 'test/fixtures/checkpoints';
/** How many files are damaged; `ONESTEP_DAMAGED_FILES` asks for more. */
const CASES = Number(process.env['ONESTEP_DAMAGED_FILES'] ?? 5000);
const SEED = 20_261_123;

/** Small deterministic generator (mulberry32). */
function randomFrom(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

const FILES = Object.keys(JSON.parse(readFileSync(`${FOLDER}/expected.json`, 'utf8')))
  .map((name) => ({ name, bytes: new Uint8Array(readFileSync(`${FOLDER}/${name}`)) }))
  .filter(({ bytes }) => bytes.length > 0 && bytes.length < 50_000);

const TELLING = [
  0x00, 0x01, 0x7f, 0x80, 0xff, 0x28, 0x2e, 0x52, 0x62, 0x63, 0x71, 0x74, 0x7d, 0x94,
];

/** Damages a copy: single bytes, whole fields, moved pieces, a cut; mostly where structure lies. */
function mutate(original: Uint8Array, random: (limit: number) => number): Uint8Array {
  const bytes = original.slice();
  const size = bytes.length;
  const place = () => {
    const zone = random(10);
    if (zone < 5) return random(Math.min(size, 4096));
    return zone < 8 ? size - 1 - random(Math.min(size, 4096)) : random(size);
  };
  for (let count = 1 + random(4); count > 0; count--) {
    const at = place();
    switch (random(5)) {
      case 0:
        bytes[at] = random(256);
        break;
      case 1:
        bytes[at] = TELLING[random(TELLING.length)] ?? 0;
        break;
      case 2:
        bytes[at] = (bytes[at] ?? 0) ^ (1 << random(8));
        break;
      case 3:
        bytes.fill([0, 0xff][random(2)] ?? 0, at, at + 2 ** (1 + random(3)));
        break;
      default:
        bytes.copyWithin(at, place(), place());
    }
  }
  return random(4) === 0 ? bytes.subarray(0, place()) : bytes;
}

describe('readers on damaged files', () => {
  it(`reads or refuses ${CASES} of them, and never reads outside`, { timeout: 120_000 }, () => {
    const random = randomFrom(SEED);
    const outcomes = { read: 0, refused: 0 };
    for (let index = 0; index < CASES; index++) {
      const file = FILES[random(FILES.length)] ?? expect.fail('no files');
      const source = memorySource(mutate(file.bytes, random), file.name);
      try {
        for (const tensor of readCheckpoint(source).tensors.values()) {
          const count = elementCount(tensor.shape);
          const few = Math.min(count, 1000);
          const size = count === 0 ? 0 : tensor.byteLength / count;
          expect(tensor.read(0, few).length).toBe(few * size);
          expect(tensor.read(count - few).length).toBe(few * size);
        }
        outcomes.read++;
      } catch (error) {
        if (!(error instanceof FormatError)) {
          throw new Error(`case ${index} of ${file.name}`, { cause: error });
        }
        expect(error.message).not.toMatch(/\n/);
        outcomes.refused++;
      }
    }
    // Both ends are reached: neither everything refused nor nothing noticed.
    expect(outcomes.read).toBeGreaterThan(CASES / 20);
    expect(outcomes.refused).toBeGreaterThan(CASES / 20);
  });
});
