import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ReceiptSchema } from '#shared/core/inference.ts';
import { type DemoPackage, importDemo } from '#test/helpers/demo-package.ts';
import { blocksOf } from '#test/helpers/doc-blocks.ts';
import { blocksRunBy } from '#test/helpers/doc-claims.ts';
import { entrypointOf, readDockerfile } from '#test/helpers/dockerfile.ts';
import { inferenceRequest } from '#test/helpers/gpu-process.ts';
import { installDebian } from '#test/helpers/install-debian.ts';
import { ROOT } from '#test/helpers/root.ts';

/**
 * What the Dockerfile does, without Docker: the COPY and RUN steps of its application stage in an empty
 * folder, and its ENTRYPOINT there. This can't show that Docker builds the stages from its bases, nor what
 * it makes of ports and volumes; test/aws/image builds and runs the image of the GPU function.
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

describe('the service in Docker Compose', () => {
  const commands = blocksRunBy(import.meta.filename).flatMap(({ code }) => code.trim().split('\n'));
  const yaml =
    blocksOf('docs/self-host.md').find(({ language }) => language === 'yaml')?.code ?? '';
  const cpu = stages.find(({ name }) => name === 'cpu')?.instructions ?? [];
  const wordsOf = (keyword: string) =>
    JSON.parse(cpu.find((one) => one.keyword === keyword)?.words ?? '[]') as string[];

  it('is described as Docker Compose reads it', async () => {
    await installDebian({ 'docker-compose': 'docker-compose' });
    const file = join(root, 'compose.yaml');
    writeFileSync(file, yaml);
    const words = ['--project-directory', ROOT, '--file', file, 'config'];
    const read = execFileSync('docker-compose', words, { encoding: 'utf8' });
    expect(read).toContain(`context: ${ROOT.replace(/\/$/, '')}\n`);
    expect(read).toContain('target: cpu');
    expect(commands[0]).toBe('docker compose up --detach');
  });

  it('starts by the steps of its stage, and is opened by the command of the page', async () => {
    const [, , , service, ...command] = commands[1]?.split(' ') ?? [];
    expect(commands[1]).toMatch(/^docker compose exec onestep /);
    expect(yaml).toMatch(new RegExp(`^  ${service}:$`, 'm'));
    for (const { keyword, words } of cpu) if (keyword === 'COPY') copy(words.split(/\s+/));
    const settings = cpu.find(({ keyword }) => keyword === 'ENV')?.words.split(/\s+/) ?? [];
    const env = {
      PATH: process.env['PATH'] ?? '',
      ...Object.fromEntries(settings.map((pair) => pair.split('='))),
      // A container has a root and a network of its own.
      ONESTEP_DATA: join(root, 'service'),
      ONESTEP_HOST: '127.0.0.1',
      ONESTEP_PORT: '0',
      ONESTEP_PUBLIC_URL: 'https://images.example.com',
    };
    const [, ...entry] = wordsOf('ENTRYPOINT');
    const child = spawn(process.execPath, [...entry, ...wordsOf('CMD')], {
      cwd: app,
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    try {
      await until(() => /API key/.exec(said) ?? undefined);
      const [program = '', ...words] = command;
      const link = execFileSync(program, words, { cwd: app, env, encoding: 'utf8' });
      const [, path] = /^https:\/\/images\.example\.com(\/session\/\S+)$/m.exec(link) ?? [];
      const [, url] = /running at (\S+)/.exec(said) ?? [];
      const answer = await fetch(`${url}${path}`, { redirect: 'manual' });
      expect(answer.headers.get('set-cookie')).toBeTruthy();
    } finally {
      child.kill('SIGTERM');
    }
    await new Promise((resolve) => child.once('exit', resolve));
  }, 120_000);
});
