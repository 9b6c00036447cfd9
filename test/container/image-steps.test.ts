import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ReceiptSchema } from '#shared/core/inference.ts';
import { type DemoPackage, importDemo } from '#test/helpers/demo-package.ts';
import { entrypointOf, readDockerfile } from '#test/helpers/dockerfile.ts';
import { inferenceRequest } from '#test/helpers/gpu-process.ts';
import { ROOT } from '#test/helpers/root.ts';

/**
 * What the Dockerfile does, without Docker: the COPY and RUN steps of its application stage in an empty
 * folder, and its ENTRYPOINT there.
 */
const stages = readDockerfile('functions/gpu/Dockerfile');
let root: string;
let app: string;
let model: DemoPackage;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'onestep-image-'));
  app = join(root, 'opt/onestep');
  model = await importDemo();
  for (const { keyword, words } of stages.find(({ name }) => name === 'app')?.instructions ?? []) {
    if (keyword === 'COPY') copy(words.split(/\s+/));
    if (keyword === 'RUN') {
      execFileSync('sh', ['-c', words], {
        cwd: app,
        env: { ...process.env, npm_config_prefer_offline: 'true' },
        stdio: 'pipe',
      });
    }
  }
}, 180_000);
afterAll(() => {
  model.remove();
  rmSync(root, { recursive: true, force: true });
});

/** `COPY a b ./` and `COPY folder ./folder`. */
function copy(words: readonly string[]): void {
  const target = words.at(-1) ?? '.';
  for (const source of words.slice(0, -1)) {
    const to = target.endsWith('/') ? join(app, target, source) : join(app, target);
    cpSync(join(ROOT, source), to, { recursive: true });
  }
}

interface Started {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly ended: Promise<number | null>;
}

/** `docker run IMAGE WORDS`, as the entrypoint sees it. */
function start(words: readonly string[], env: Record<string, string>): Started {
  const [, ...entry] = entrypointOf(stages);
  const child = spawn(process.execPath, [...entry, ...words], {
    cwd: app,
    env: {
      PATH: process.env['PATH'] ?? '',
      NODE_ENV: 'production',
      MODEL_FOLDERS: model.folder,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
  }
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  return { child, output: () => text, ended };
}

it('holds the production packages, without weights, tests or the other functions', () => {
  expect(existsSync(join(app, 'node_modules/onnxruntime-node'))).toBe(true);
  for (const name of ['aws-cdk', 'vitest', 'esbuild-plugin', 'typescript']) {
    expect(existsSync(join(app, 'node_modules', name)), name).toBe(false);
  }
  expect(readdirSync(join(app, 'functions'))).toEqual(['gpu']);
  expect(existsSync(join(app, 'models'))).toBe(false);
});

it('refuses to start without CUDA, as here, and says how it would', async () => {
  const started = start(['serve'], { PORT: '0' });
  expect(await started.ended).toBe(1);
  expect(started.output()).toContain('--allow-cpu');
});

it('starts, becomes ready, answers an order, and ends at SIGTERM', async () => {
  const data = join(root, 'data');
  const started = start(['serve', '--allow-cpu'], {
    PORT: '0',
    HOST: '127.0.0.1',
    DATA_FOLDER: data,
  });
  try {
    const port = await until(() => /"event":"listening","port":(\d+)/.exec(started.output())?.[1]);
    const url = `http://127.0.0.1:${port}`;
    await until(async () => (await fetch(`${url}/ping`)).ok || undefined);
    const answer = await fetch(`${url}/invocations`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(inferenceRequest('job-1', { model: { name: 'demo' } })),
    });
    const receipt = ReceiptSchema.parse(await answer.json());
    expect(receipt, started.output()).toMatchObject({ job: 'job-1', images: [{ format: 'png' }] });
    expect(existsSync(join(data, receipt.images[0]?.key ?? '')), receipt.images[0]?.key ?? '').toBe(
      true,
    );
  } finally {
    started.child.kill('SIGTERM');
  }
  expect(await started.ended).toBe(0);
}, 120_000);

async function until<T>(look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  const end = Date.now() + 90_000;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > end) throw new Error('It did not happen within 90 s.');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
