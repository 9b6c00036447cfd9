import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fromRoot } from '#test/helpers/root.ts';

const { removeForeignBinaries, removeSharpWasm } = await import(
  fromRoot('functions/cli/foreign-binaries.mjs')
);

const PLATFORMS = ['linux/x64', 'linux/arm64', 'darwin/arm64', 'win32/x64', 'win32/arm64'];
const NOBODY = 65_534;
const LINUX = { platform: 'linux', arch: 'x64' };

let root: string;
let packages: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'onestep-binaries-'));
  packages = join(root, 'node_modules');
  for (const platform of PLATFORMS) mkdirSync(binaries(platform), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const binaries = (platform: string) =>
  join(packages, 'onnxruntime-node', 'bin', 'napi-v6', platform);
const left = () => PLATFORMS.filter((platform) => existsSync(binaries(platform)));

test('only this platform’s libraries stay', () => {
  removeForeignBinaries(root, LINUX);
  expect(left()).toEqual(['linux/x64']);
});

test('the packages of a parent folder count, as under npx', () => {
  const inside = join(packages, 'onestep');
  mkdirSync(inside);
  removeForeignBinaries(inside, LINUX);
  expect(left()).toEqual(['linux/x64']);
});

test('a platform without libraries of its own loses nothing', () => {
  removeForeignBinaries(root, { platform: 'freebsd', arch: 'x64' });
  removeForeignBinaries(root, { platform: 'linux', arch: 'riscv64' });
  expect(left()).toEqual(PLATFORMS);
});

test.each(['node_modules', 'node_modules/onnxruntime-node', 'node_modules/onnxruntime-node/bin'])(
  'nothing is removed behind a link at %s',
  (linked) => {
    const elsewhere = join(root, 'elsewhere');
    renameSync(join(root, linked), elsewhere);
    symlinkSync(elsewhere, join(root, linked));
    removeForeignBinaries(root, LINUX);
    expect(left()).toEqual(PLATFORMS);
  },
);

test.runIf(process.platform === 'linux')('libsql stays for this system’s C library alone', () => {
  const scope = join(packages, '@libsql');
  for (const name of ['gnu', 'musl'])
    mkdirSync(join(scope, `linux-x64-${name}`), { recursive: true });
  removeForeignBinaries(root, LINUX);
  const isGlibc = existsSync('/lib/ld-musl-x86_64.so.1') === false;
  expect(readdirSync(scope)).toEqual([`linux-x64-${isGlibc ? 'gnu' : 'musl'}`]);
});

test('what this user may not remove stays, and is no failure', () => {
  const scope = join(packages, '@libsql');
  for (const name of ['gnu', 'musl'])
    mkdirSync(join(scope, `linux-x64-${name}`, 'inside'), { recursive: true });
  asAnotherUser(() => removeForeignBinaries(root, LINUX));
  expect(left()).toEqual(PLATFORMS);
  expect(readdirSync(scope)).toHaveLength(2);
});

/** Root may remove anything, so for a moment it acts as a user that may not. */
function asAnotherUser(act: () => void): void {
  const isRoot = process.geteuid?.() === 0;
  const folders = ['', ...readdirSync(root, { recursive: true, encoding: 'utf8' })];
  const setMode = (mode: number) => {
    for (const folder of folders) chmodSync(join(root, folder), mode);
  };
  setMode(0o555);
  if (isRoot) process.seteuid?.(NOBODY);
  try {
    act();
  } finally {
    if (isRoot) process.seteuid?.(0);
    setMode(0o755);
  }
}

test('a folder without the package is left alone', () => {
  rmSync(packages, { recursive: true });
  expect(() => removeForeignBinaries(root, LINUX)).not.toThrow();
});

test.each([
  ['linux', []],
  ['freebsd', ['sharp-wasm32']],
])('on %s, sharp’s WebAssembly goes where sharp has a library', (platform, kept) => {
  const scope = join(packages, '@img');
  for (const name of ['sharp-linux-x64', 'sharp-wasm32']) {
    mkdirSync(join(scope, name), { recursive: true });
  }
  removeSharpWasm(root, { platform, arch: 'x64' });
  expect(readdirSync(scope)).toEqual(['sharp-linux-x64', ...kept]);
});
