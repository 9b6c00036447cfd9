import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { fixture, importFixture, temporaryFolder } from '#test/helpers/model-fixture.ts';
import { fromRoot } from '#test/helpers/root.ts';
import { runOnestep } from '#test/helpers/run-cli.ts';

const LAUNCH = fromRoot('functions/cli/launch.mjs');
const TOKENIZER = fromRoot('test/fixtures/clip-tokenizer');
/** A device that is always full. */
const FULL = '/dev/full';
const folder = temporaryFolder();
afterAll(folder.remove);

/** As a process of its own, by the launcher. */
function launched(...words: readonly string[]) {
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
      const { status, stdout, stderr } = launched(...words);
      expect([status, stdout]).toEqual([2, '']);
      expect(stderr).toMatch(/^onestep: [^\n]*vocab\.json[^\n]*\n$/);
    }
  });

  it('says which option it does not know', async () => {
    expect(await runOnestep(['inspect', '--bogus'])).toEqual({
      status: 2,
      stdout: '',
      stderr: 'onestep: There is no option --bogus. See "onestep inspect --help".\n',
    });
  });

  it.each([
    [['keys', 'create', '--rate', 'abc'], '--rate: abc is not a number.'],
    [['keys', 'create', '--expires', '2020-01-01'], '--expires: 2020-01-01 has passed.'],
    [['logs', '--num', '-1'], '--num: -1 is not a whole number from 1 to 100.'],
    [['preflight', 'now'], '"now" is one word too many.'],
  ])('refuses %j in one line', async (words, message) => {
    const stderr = `onestep: ${message}\n`;
    expect(await runOnestep(words)).toEqual({ status: 2, stdout: '', stderr });
  });

  it('finds what a manifest says wrongly of the pictures', async () => {
    const out = join(folder.path, 'package');
    await importFixture(fixture('tiny', 'repo'), out);
    const path = join(out, 'manifest.json');
    const manifest = JSON.parse(readFileSync(path, 'utf8'));
    manifest.size.multiple = 4;
    writeFileSync(path, JSON.stringify(manifest));
    const { status, stderr } = await runOnestep(['doctor', out, '--quiet']);
    expect([status, stderr]).toEqual([
      2,
      expect.stringMatching(/pictures are not 32×32 [^.]*\. I/),
    ]);
  });

  it('imports into a folder whose name no model can have', async () => {
    const out = join(folder.path, 'пакет');
    const words = ['--repo', fixture('tiny', 'repo'), '--recipe', 'dmd2', '--out', out, '--json'];
    const { status, stdout } = await runOnestep(['import', ...words]);
    expect([status, JSON.parse(stdout)]).toEqual([0, expect.objectContaining({ name: 'model' })]);
  });

  it('draws, judges and imports in the data folder that the server’s settings name', () => {
    const here = join(folder.path, 'here');
    const data = join(folder.path, 'kept');
    mkdirSync(here);
    const run = (...words: readonly string[]) => {
      const env = { ...process.env, ONESTEP_DATA: data };
      const options = { cwd: here, env, encoding: 'utf8' } as const;
      const { status, stdout, stderr } = spawnSync(process.execPath, [LAUNCH, ...words], options);
      expect([status, stderr]).toEqual([0, expect.any(String)]);
      return stdout;
    };
    run('generate', 'a cat', '--quiet');
    expect(readdirSync(here)).toEqual(['onestep.png']);
    expect(JSON.parse(run('verify', 'onestep.png', '--json'))).toMatchObject({ made_here: true });
    expect(run('verify', 'onestep.png')).toMatch(/\n$/);
    const tiny = ['--repo', fixture('tiny', 'repo'), '--recipe', 'dmd2', '--name', 'tiny'];
    run('import', ...tiny, '--quiet');
    expect(readdirSync(join(data, 'models'))).toContain('tiny');
    expect(readdirSync(here)).toEqual(['onestep.png']);
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
    // As a shell reports a program that SIGPIPE ended: `set -o pipefail` notices what was cut off.
    expect([status, complaint]).toEqual([141, '']);
  });

  describe.skipIf(!existsSync(FULL))('where nothing can be written', () => {
    const words = [LAUNCH, 'tokenize', '--tokenizer', TOKENIZER];
    const full = () => openSync(FULL, 'w');

    it('says in one line that its output is lost', () => {
      const { status, stderr } = spawnSync(process.execPath, [...words, 'a'], {
        stdio: ['ignore', full(), 'pipe'],
        encoding: 'utf8',
      });
      expect([status, stderr]).toEqual([
        1,
        expect.stringMatching(/^onestep: The output can't be written: ENOSPC[^\n]*\n$/),
      ]);
    });

    it('keeps its status without a place for its messages', () => {
      const { status } = spawnSync(process.execPath, [...words, '--bogus'], {
        stdio: ['ignore', 'ignore', full()],
      });
      expect(status).toBe(2);
    });
  });
});
