import { createHash } from 'node:crypto';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { DRAWING_FOLDER } from '#shared/deployment/names.ts';
import type { RunCommand } from './run-command.ts';

/** What the GPU function imports on Lambda: no CUDA, no server, no compiler. */
const PACKAGES = [
  '@aws-sdk/client-dynamodb',
  '@aws-sdk/client-kms',
  '@aws-sdk/client-s3',
  '@aws-sdk/client-sagemaker-runtime',
  '@aws-sdk/client-secrets-manager',
  '@aws-sdk/client-sqs',
  '@aws-sdk/lib-dynamodb',
  '@aws-sdk/s3-request-presigner',
  '@peculiar/x509',
  'hono',
  'lru-cache',
  'onnxruntime-node',
  'p-retry',
  'reflect-metadata',
  'sharp',
  'tinypool',
  'zod',
];

/** Sources that run there; Node 24 reads TypeScript itself. */
const SOURCES = ['shared', 'functions/gpu'];

/** Parts of them that no image needs. */
const LEFT_OUT = ['shared/deployment', 'shared/engine/onnx', 'functions/gpu/machine'];

/** TypeScript there, whatever this file was compiled to: no name that compiling would rewrite. */
const ENTRY = 'functions/gpu/lambda/main.ts';
const INDEX = `export { handler } from './${ENTRY}';\n`;

const PLATFORM = ['--os=linux', '--cpu=x64', '--libc=glibc'];

/**
 * Puts the code of functions that draw together, for nodejs24.x on x86-64 whatever this machine is: sources,
 * and the packages of the lockfile with their linux-x64 libraries. The folder is whole or not there.
 *
 * @param project the project's folder
 * @throws AppError `unavailable` when npm fails
 */
export async function stageDrawingFunction(run: RunCommand, project: string): Promise<string> {
  const folder = join(project, DRAWING_FOLDER);
  const stamp = `${folder}.digest`;
  const digest = digestOfInputs(project);
  // An update of something else, or a run that goes on where another was killed.
  if (existsSync(join(folder, 'index.mjs')) && readStamp(stamp) === digest) return folder;
  const work = `${folder}.${process.pid}`;
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  try {
    const own = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'));
    const dependencies = Object.fromEntries(
      PACKAGES.map((name) => [name, own.dependencies[name] as string]),
    );
    const { name, version, type, imports } = own;
    const manifest = { name, version, private: true, type, imports, dependencies };
    writeFileSync(join(work, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
    // The lockfile keeps the versions of what these packages need; npm takes out what is not needed.
    for (const file of ['package-lock.json', '.npmrc']) {
      copyFileSync(join(project, file), join(work, file));
    }
    const words = ['install', '--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund'];
    await run('npm', [...words, ...PLATFORM], { cwd: work });
    keepLinux(join(work, 'node_modules/onnxruntime-node/bin/napi-v6'));
    for (const path of SOURCES) cpSync(join(project, path), join(work, path), { recursive: true });
    for (const path of LEFT_OUT) rmSync(join(work, path), { recursive: true });
    rmSync(join(work, 'node_modules/.package-lock.json'), { force: true });
    writeFileSync(join(work, 'index.mjs'), INDEX);
    rmSync(folder, { recursive: true, force: true });
    renameSync(work, folder);
    writeFileSync(stamp, digest);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return folder;
}

/** Of everything that the folder is made from. */
function digestOfInputs(project: string): string {
  const hash = createHash('sha256').update(
    JSON.stringify([PACKAGES, SOURCES, LEFT_OUT, PLATFORM, INDEX]),
  );
  const add = (path: string) => hash.update(path).update(readFileSync(join(project, path)));
  for (const file of ['package.json', 'package-lock.json', '.npmrc']) add(file);
  for (const source of SOURCES) {
    const entries = readdirSync(join(project, source), { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile());
    const paths = files.map(({ parentPath, name }) => relative(project, join(parentPath, name)));
    for (const path of paths.sort()) add(path);
  }
  return hash.digest('hex');
}

function readStamp(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

/** ONNX Runtime's package holds the libraries of every platform. */
function keepLinux(runtimes: string): void {
  for (const other of ['darwin', 'win32', 'linux/arm64']) {
    rmSync(join(runtimes, other), { recursive: true, force: true });
  }
}
