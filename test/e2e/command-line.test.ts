import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../helpers/model-fixture.ts';

const LAUNCH = fileURLToPath(new URL('../../functions/cli/launch.mjs', import.meta.url));
const TOKENIZER = fileURLToPath(new URL('../fixtures/clip-tokenizer', import.meta.url));
const folder = temporaryFolder();
afterAll(folder.remove);

function onestep(...words: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [LAUNCH, ...words], {
    cwd: folder.path,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

describe('onestep', () => {
  it('says in one line what the system has against a path', () => {
    symlinkSync('vocab.json', join(folder.path, 'vocab.json'));
    writeFileSync(join(folder.path, 'merges.txt'), '');
    for (const words of [
      ['inspect', 'vocab.json'],
      ['tokenize', '--tokenizer', '.', 'a'],
    ]) {
      const { status, stdout, stderr } = onestep(...words);
      expect([status, stdout]).toEqual([2, '']);
      expect(stderr).toMatch(/^onestep: [^\n]*vocab\.json[^\n]*\n$/);
    }
  });

  it('ends quietly when nobody reads on', async () => {
    const child = spawn(process.execPath, [LAUNCH, 'tokenize', '--tokenizer', TOKENIZER, 'a'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.destroy();
    let complaint = '';
    child.stderr.on('data', (part: Buffer) => {
      complaint += part.toString();
    });
    const [status] = await once(child, 'close');
    expect([status, complaint]).toEqual([0, '']);
  });
});
