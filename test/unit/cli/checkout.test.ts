import { execFile, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { linkPackages } from '#test/helpers/link-packages.ts';
import { ROOT, readFromRoot } from '#test/helpers/root.ts';

const ANSWER = { stdout: `${JSON.parse(readFromRoot('package.json')).version}\n`, stderr: '' };
const SUMMARY = 'functions/cli/commands/start.ts';

describe('a checkout', () => {
  let root: string;
  let temporary: string;

  /** Runs a command as its user does: what has changed is compiled before. */
  const run = (...words: string[]) =>
    spawnSync(process.execPath, ['functions/cli/launch.mjs', ...words], {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, ONESTEP_SKIP_INSTALL: '1', TMPDIR: temporary },
    });
  const edit = (from: string, to: string) => {
    const path = join(root, SUMMARY);
    writeFileSync(path, readFileSync(path, 'utf8').replace(from, to));
  };
  const compiled = (name: string) => join(root, 'node_modules/.cache/onestep', name);

  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'onestep-checkout-'));
    temporary = mkdtempSync(join(tmpdir(), 'onestep-temporary-'));
    for (const name of ['functions', 'shared', 'package.json', 'tsconfig.json'])
      cpSync(join(ROOT, name), join(root, name), { recursive: true });
    symlinkSync(join(ROOT, 'models'), join(root, 'models'));
    linkPackages(root);
  });
  afterAll(() => {
    for (const folder of [root, temporary]) rmSync(folder, { recursive: true });
  });

  test('runs what its sources say, however soon they change again', () => {
    expect(run('start', '--help').stdout).toContain('run the whole service here');
    for (const word of ['there', 'where', 'HERE.']) {
      edit('service here', `service ${word}`);
      expect(run('start', '--help').stdout).toContain(`run the whole service ${word}`);
      edit(`service ${word}`, 'service here');
    }
    expect(run('start', '--help').stdout).toContain('run the whole service here');
  });

  test('deploys TypeScript, though it is compiled itself', () => {
    const text = readFileSync(compiled('functions/cli/deploy/stage-drawing.js'), 'utf8');
    expect(text).toContain('functions/gpu/lambda/main.ts');
  });

  test('forgets what is no longer there', () => {
    const extra = join(root, 'functions/cli/extra.ts');
    writeFileSync(extra, 'export const extra: number = 1;\n');
    run('--version');
    expect(existsSync(compiled('functions/cli/extra.js'))).toBe(true);
    rmSync(extra);
    run('--version');
    expect(existsSync(compiled('functions/cli/extra.js'))).toBe(false);
  });

  test('compiles again what a process that was killed may have left half done, two at one time', async () => {
    rmSync(compiled('compiled.json'));
    writeFileSync(compiled('functions/cli/main.js'), 'syntax error');
    const words = ['functions/cli/launch.mjs', '--version'];
    const env = { ...process.env, ONESTEP_SKIP_INSTALL: '1' };
    const printed = await Promise.all(
      [1, 2].map(() => promisify(execFile)(process.execPath, words, { cwd: root, env })),
    );
    expect(printed).toEqual([ANSWER, ANSWER]);
  });

  test('names the line of the source in an error', () => {
    edit('export const start', "throw new Error('here');\nexport const start");
    const line = readFileSync(join(root, SUMMARY), 'utf8')
      .split('\n')
      .indexOf("throw new Error('here');");
    const { stderr } = run('start', '--help');
    edit("throw new Error('here');\n", '');
    expect(stderr).toContain(`commands/start.ts:${line + 1}:`);
  });

  test('of another user is compiled into a folder of one’s own', () => {
    rmSync(join(root, 'node_modules/.cache'), { recursive: true });
    // Even root can't make a folder in a file.
    writeFileSync(join(root, 'node_modules/.cache'), '');
    expect(run('--version')).toMatchObject({ status: 0, stderr: '' });
    const [own = ''] = readdirSync(temporary);
    expect(own).toMatch(/^onestep-\d+-[0-9a-f]{16}$/);
    chmodSync(join(temporary, own), 0o777);
    const { status, stderr } = run('--version');
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: `${join(temporary, own)} is not yours alone: remove it.\n`,
    });
  });
});
