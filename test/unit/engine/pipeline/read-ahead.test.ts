import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readAhead, readPackageAhead } from '#shared/engine/pipeline/read-ahead.ts';
import { temporaryFolder } from '#test/helpers/model-fixture.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());

const MEGABYTE = 2 ** 20;
const GIGABYTE = 2 ** 30;

function write(name: string, bytes: number): string {
  const path = join(folder.path, name);
  writeFileSync(path, new Uint8Array(bytes));
  return path;
}

const packageOf = (...sizes: readonly number[]) => ({
  files: Object.fromEntries(
    sizes.map((bytes, index) => [`part-${index}`, { bytes, sha256: '0'.repeat(64) }]),
  ),
});

describe('reading ahead', () => {
  it('reads each file to its end', async () => {
    const paths = [write('large', 9 * MEGABYTE + 5), write('empty', 0), write('small', 7)];
    expect(await readAhead(paths).finished).toBe(9 * MEGABYTE + 12);
  });

  it('ends at a file that can not be read, of which others will speak', async () => {
    const paths = [write('first', 10), join(folder.path, 'missing'), write('last', 10)];
    expect(await readAhead(paths).finished).toBe(10);
  });

  it('ends when it is stopped, even twice', async () => {
    // Such a file never ends.
    const { finished, stop } = readAhead([write('first', 10), '/dev/zero']);
    stop();
    expect(await finished).toBeLessThanOrEqual(10);
    stop();
  });
});

describe('reading a package ahead', () => {
  it('is for large ones', () => {
    expect(readPackageAhead(folder.path, packageOf(200 * MEGABYTE), GIGABYTE)).toBeUndefined();
  });

  it('is for those that memory has room for', () => {
    const files = packageOf(GIGABYTE, GIGABYTE);
    expect(readPackageAhead(folder.path, files, 2 * GIGABYTE - 1)).toBeUndefined();
  });

  it('reads the files that the manifest names', async () => {
    write('part-0', 300);
    write('part-1', 20);
    const ahead = readPackageAhead(folder.path, packageOf(GIGABYTE, 20), 2 * GIGABYTE);
    expect(await ahead?.finished).toBe(320);
  });
});
