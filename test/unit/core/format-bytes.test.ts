import { expect, it } from 'vitest';
import { formatBytes } from '#shared/core/format-bytes.ts';

it.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.00 kB'],
  [12_345, '12.3 kB'],
  [999_600, '1000 kB'],
  [64 * 2 ** 20, '67.1 MB'],
  [6_900_000_000, '6.90 GB'],
  [5e15, '5000 TB'],
])('says %i bytes as %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});
