import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fromRoot } from '#test/helpers/root.ts';

let folder: string;

/** Notes its words, and leaves behind what npm would. */
const NPM = `#!/usr/bin/env node
const fs = require('node:fs');
const words = process.argv.slice(2).filter((word) => !/audit|fund|loglevel/.test(word));
fs.appendFileSync('npm.log', words.join(' ') + '\\n');
if (fs.existsSync('npm-fails')) process.exit(1);
if (words[0] === 'ci') fs.rmSync('node_modules', { recursive: true, force: true });
fs.mkdirSync('node_modules', { recursive: true });
const dev = words.includes('--include=dev') ? { dev: true } : {};
fs.writeFileSync('node_modules/.package-lock.json', JSON.stringify({ packages: { a: dev } }, null, 2));
`;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'onestep-install-'));
  const cli = join(folder, 'functions', 'cli');
  mkdirSync(cli, { recursive: true });
  for (const name of ['foreign-binaries.mjs', 'packages.mjs', 'install.mjs']) {
    cpSync(fromRoot(`functions/cli/${name}`), join(cli, name));
  }
  const start =
    "import { installPackages, needsCdk } from './packages.mjs';\ninstallPackages(needsCdk(process.argv.slice(2)));\n";
  writeFileSync(join(cli, 'start.mjs'), start);
  mkdirSync(join(folder, 'bin'));
  writeFileSync(join(folder, 'bin', 'npm'), NPM);
  chmodSync(join(folder, 'bin', 'npm'), 0o755);
  writeFileSync(join(folder, 'package-lock.json'), '{"version": 1}');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Runs what `npm start` or `npm test` begins with; returns how npm was called meanwhile. */
function begin(
  what: 'start' | 'install',
  env: Readonly<Record<string, string>> = {},
  ...words: readonly string[]
) {
  rmSync(join(folder, 'npm.log'), { force: true });
  const { PATH = '' } = process.env;
  const { status, stderr } = spawnSync(process.execPath, [`functions/cli/${what}.mjs`, ...words], {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH: `${join(folder, 'bin')}${delimiter}${PATH}`, ...env },
  });
  const log = join(folder, 'npm.log');
  return { npm: existsSync(log) ? readFileSync(log, 'utf8').trim() : 'not called', status, stderr };
}

describe('the packages', () => {
  it('of a fresh clone are installed for what runs, then the development set is added', () => {
    expect(begin('start').npm).toBe('ci --omit=dev');
    expect(begin('start').npm).toBe('not called');
    writeFileSync(join(folder, 'node_modules', 'in-use'), '');
    expect(begin('install').npm).toBe('install --no-save --include=dev');
    expect(begin('install').npm).toBe('not called');
    expect(begin('start').npm).toBe('not called');
    expect(existsSync(join(folder, 'node_modules', 'in-use'))).toBe(true);
  });

  it('of the CDK are installed for a command that calls it, and not to be told of it', () => {
    expect(begin('start', {}, 'deploy', '--help').npm).toBe('ci --omit=dev');
    expect(begin('start', {}, 'nuke', '--stage', 'dev', '-h').npm).toBe('not called');
    expect(begin('start', {}, 'deploy', '--yes').npm).toBe('install --no-save --include=dev');
  });

  it('are all installed when the tests come first', () => {
    expect(begin('install').npm).toBe('ci --include=dev');
    expect(begin('start').npm).toBe('not called');
  });

  it('are known by the content of the lockfile, not by times', () => {
    begin('start');
    const future = new Date(Date.now() + 3_600_000);
    utimesSync(join(folder, 'package-lock.json'), future, future);
    expect(begin('start').npm).toBe('not called');
    writeFileSync(join(folder, 'package-lock.json'), '{"version": 2}');
    utimesSync(join(folder, 'package-lock.json'), 0, 0);
    expect(begin('start').npm).toBe('install --no-save --omit=dev');
    expect(begin('start').npm).toBe('not called');
  });

  it('keep the development set when the lockfile changes before a start', () => {
    begin('install');
    writeFileSync(join(folder, 'package-lock.json'), '{"version": 2}');
    expect(begin('start').npm).toBe('install --no-save --include=dev');
  });

  it.each([
    [true, 'install --no-save --include=dev'],
    [false, 'install --no-save --omit=dev'],
  ])('of an install by hand, with development %s, are completed as they are', (dev, line) => {
    begin(dev ? 'install' : 'start');
    rmSync(join(folder, 'node_modules', '.onestep-packages'));
    expect(begin('start').npm).toBe(line);
  });

  it('are tried again after a failed install', () => {
    writeFileSync(join(folder, 'npm-fails'), '');
    const failed = begin('start');
    expect(failed.status).toBe(1);
    expect(failed.stderr).toContain('Run "npm ci --omit=dev" and see what it says.');
    rmSync(join(folder, 'npm-fails'));
    expect(begin('start')).toMatchObject({ npm: 'ci --omit=dev', status: 0 });
  });

  it('are never installed through a link', () => {
    const other = join(folder, 'other');
    mkdirSync(other);
    symlinkSync(other, join(folder, 'node_modules'));
    const { npm, status, stderr } = begin('install');
    expect({ npm, status }).toEqual({ npm: 'not called', status: 1 });
    expect(stderr).toContain(`node_modules is a link to ${other}`);
    expect(begin('install', { ONESTEP_SKIP_INSTALL: '1' })).toMatchObject({
      npm: 'not called',
      status: 0,
    });
  });
});
