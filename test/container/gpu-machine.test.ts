import { execFile, execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasCudaDevice } from '#shared/engine/pipeline/cuda.ts';
import { makeCudaWheels } from '#test/helpers/cuda-wheels.ts';
import { type DemoPackage, importDemo } from '#test/helpers/demo-package.ts';
import { blocksRunBy } from '#test/helpers/doc-claims.ts';
import { ROOT } from '#test/helpers/root.ts';
import { temporaryFolder } from '#test/helpers/server-process.ts';

/**
 * The commands for a GPU machine as printed, in a clone, with wheels that hold stand-ins for NVIDIA's
 * libraries. What draws on the GPU is run as far as it goes without one: to the refusal, which comes after
 * all options were read.
 */
const execute = promisify(execFile);
const NO_DEVICE = /There is no CUDA device here/;
const blocks = blocksRunBy(import.meta.filename);
const ran = new Set<string>();
function block(words: string): string {
  const found = blocks.filter(({ code }) => code.includes(words));
  expect(found, words).toHaveLength(1);
  const code = found[0]?.code ?? '';
  ran.add(code);
  return code;
}

let work: string;
let clone: string;
let env: NodeJS.ProcessEnv;
let demo: DemoPackage;

beforeAll(async () => {
  work = temporaryFolder();
  clone = join(work, 'clone');
  const { env: pip, onnxruntimeSha256 } = await makeCudaWheels(work);
  demo = await importDemo();
  execFileSync('git', ['clone', '--quiet', ROOT, clone]);
  // This tree's state, committed or not, with the stand-in's hash: what is packed is the last commit.
  for (const path of ['functions', 'shared', 'models', 'package.json', 'package-lock.json']) {
    cpSync(join(ROOT, path), join(clone, path), { recursive: true });
  }
  const dockerfile = join(clone, 'functions/gpu/Dockerfile');
  const hashed = /(onnxruntime-gpu==\S+ --hash=sha256:)\w+/;
  const text = readFileSync(dockerfile, 'utf8');
  expect(text).toMatch(hashed);
  writeFileSync(dockerfile, text.replace(hashed, `$1${onnxruntimeSha256}`));
  const author = ['-c', 'user.name=Test', '-c', 'user.email=test@example.com'];
  execFileSync('git', [...author, 'commit', '--quiet', '--all', '--message', 'wheel'], {
    cwd: clone,
  });
  const python = join(work, 'python');
  execFileSync('python3', ['-m', 'venv', python]);
  const path = `${join(python, 'bin')}${delimiter}${process.env['PATH']}`;
  env = { ...process.env, ...pip, PATH: path, npm_config_prefer_offline: 'true' };
}, 120_000);
afterAll(() => {
  demo?.remove();
  // A hundred thousand files: on a busy disk that takes minutes.
  execFileSync('rm', ['-rf', work]);
}, 900_000);

const shell = (code: string, added: NodeJS.ProcessEnv = {}) =>
  execute('bash', ['--norc', '-euo', 'pipefail', '-c', code], {
    cwd: clone,
    env: { ...env, ...added },
    maxBuffer: 2 ** 26,
  });

const PROVIDERS = 'node_modules/onnxruntime-node/bin/napi-v6/linux/x64';

describe('with internet', () => {
  test('the provider lies beside the binding', async () => {
    await shell(block('pip download'));
    const there = readdirSync(join(clone, PROVIDERS));
    expect(there).toContain('libonnxruntime_providers_cuda.so');
    expect(there).toContain('libonnxruntime_providers_shared.so');
    const { stdout } = await shell(`ldd ${PROVIDERS}/libonnxruntime_providers_cuda.so`);
    expect(stdout).toMatch(/libcudart\.so\.13 => not found/);
  });

  test('the loader finds what the page has pip install', async () => {
    const { stdout } = await shell(
      `${block('pip install')}
      ldd ${PROVIDERS}/libonnxruntime_providers_cuda.so
      for folder in \${LD_LIBRARY_PATH//:/ }; do ls $folder; done`,
    );
    expect(stdout).not.toContain('not found');
    expect(stdout).toMatch(/libcudnn\.so\.9$/m);
  });

  test('the versions are those that PyPI has', async () => {
    const online = { PIP_NO_INDEX: '0', PIP_FIND_LINKS: '' };
    const pinned = new Set(
      blocks.flatMap(({ code }) => [...code.matchAll(/([\w-]+)==([\d.]+)/g)].map(([pin]) => pin)),
    );
    expect(pinned.size).toBe(6);
    for (const pin of pinned) {
      const [name, version] = pin.split('==');
      const { stdout } = await shell(`pip index versions ${name}`, online);
      expect(stdout.split(/[\s,]+/), pin).toContain(version);
    }
  });
});

describe('without internet, without Node', () => {
  test('the parts are packed', async () => {
    await shell(block('--with-cuda parts'));
    const parts = readdirSync(join(clone, 'parts')).sort();
    expect(parts).toContain('SHA256SUMS');
    expect(parts).toContain('onestep-gpu.tar.gz.aa');
  }, 900_000);

  test('they are unpacked, find every library, and refuse to draw without a GPU', async () => {
    if (hasCudaDevice()) return;
    const refused = await shell(block('unpack.sh')).catch((error: Error) => error.message);
    expect(refused).toMatch(/^Ready: /m);
    expect(refused).toMatch(NO_DEVICE);
  });

  test('on the CPU they draw, with nothing on the path but what a script needs', async () => {
    const bin = join(work, 'bin');
    mkdirSync(bin);
    for (const name of ['dirname', 'sync', 'cp']) symlinkSync(`/usr/bin/${name}`, join(bin, name));
    const { stdout } = await execute(
      join(clone, 'parts/onestep-gpu/onestep'),
      ['bench', 'engine', '--shape', 'demo', '--size', '64', '--json'],
      { cwd: work, env: { PATH: bin } },
    );
    expect(JSON.parse(stdout)).toMatchObject({ device: 'cpu', image: { width: 64 } });
  });

  test('a damaged part is refused', async () => {
    const part = join(clone, 'parts/onestep-gpu.tar.gz.aa');
    truncateSync(part, 1000);
    await expect(shell('sh parts/unpack.sh')).rejects.toMatchObject({
      stdout: 'onestep-gpu.tar.gz.aa: FAILED\n',
    });
  });
});

describe.runIf(!hasCudaDevice())('what needs a GPU says so', () => {
  const lines = blocks
    .filter(({ code }) => code.startsWith('npx --no onestep bench engine'))
    .flatMap(({ code, document, line }) => {
      ran.add(code);
      const commands = code.trim().split('\n');
      return commands.map((command, index) => [document, line + 1 + index, command] as const);
    });

  test.each(lines)('%s, line %d', async (_, __, command) => {
    await expect(shell(command)).rejects.toThrow(NO_DEVICE);
  });

  test('measure.sh makes each of its runs, and fails with their reports', async () => {
    const bin = join(work, 'driver');
    mkdirSync(bin);
    writeFileSync(join(bin, 'nvidia-smi'), '#!/bin/sh\necho stand-in\n');
    chmodSync(join(bin, 'nvidia-smi'), 0o755);
    const path = `${bin}${delimiter}${env['PATH']}`;
    await expect(shell(block('measure.sh'), { PATH: path })).rejects.toThrow(/sdxl-512 failed/);
    for (const name of ['demo', 'sdxl-1024', 'sdxl-512']) {
      expect(readFileSync(join(clone, 'measured', `${name}.txt`), 'utf8')).toMatch(NO_DEVICE);
    }
  });

  test('the server does not start on the CPU by itself', async () => {
    mkdirSync(join(clone, 'path/to'), { recursive: true });
    symlinkSync(demo.folder, join(clone, 'path/to/package'));
    await expect(shell(block('DEVICE=cuda'))).rejects.toMatchObject({
      stdout: expect.stringContaining('--allow-cpu'),
    });
  });
});

test('every command was run', () => {
  if (hasCudaDevice()) return;
  expect(blocks.filter(({ code }) => !ran.has(code)).map(({ line }) => line)).toEqual([]);
});
