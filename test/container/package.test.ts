import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { packProject } from '#test/helpers/packed-project.ts';
import { ROOT } from '#test/helpers/root.ts';
import { removeFolder, temporaryFolder } from '#test/helpers/server-process.ts';

/**
 * The way of someone who is given a file: `npx` with the package, in a folder that holds nothing else.
 * npx keeps what it installs in a cache of the test's own.
 */
let work: string;
let folder: string;
let file: string;
let started: { url: string; key: string; pid: number };
let npx: ChildProcess;

beforeAll(async () => {
  work = temporaryFolder();
  folder = join(work, 'empty');
  mkdirSync(folder);
  file = `./${packProject(work, folder)}`;
  npx = spawn('npx', words('start', '--port', '0', '--json'), {
    cwd: folder,
    env: environment(),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: npx.stdout ?? process.stdin });
  const line = await new Promise<string>((resolve, reject) => {
    lines.once('line', resolve);
    npx.once('exit', () => reject(new Error('npx ended')));
  });
  started = JSON.parse(line);
}, 300_000);
afterAll(async () => {
  if (started !== undefined) {
    const ended = new Promise((resolve) => npx.once('exit', resolve));
    process.kill(started.pid, 'SIGTERM');
    await ended;
  }
  removeFolder(work);
});

const words = (...command: string[]) => ['--yes', '--ignore-scripts', file, ...command];

/** Without what npm told this process of its own folder, and with a cache for npx alone. */
function environment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !/^npm_|^ONESTEP_/i.test(name));
  const cache = execFileSync('npm', ['config', 'get', 'cache'], { encoding: 'utf8' }).trim();
  return { ...Object.fromEntries(own), npm_config_cache: linkedCache(cache) };
}

/** npm's packages are read from where they are; npx's folder is the test's. */
function linkedCache(cache: string): string {
  const own = join(work, 'npm');
  if (existsSync(own)) return own;
  mkdirSync(own);
  symlinkSync(join(cache, '_cacache'), join(own, '_cacache'));
  return own;
}

function onestep(...command: string[]): string {
  return execFileSync('npx', words(...command), {
    cwd: folder,
    env: environment(),
    encoding: 'utf8',
  });
}

test('the page and its script are there', async () => {
  const page = await (await fetch(`${started.url}/sign-in`)).text();
  expect(page).toContain('Onestep');
  const [, style] = /href="([^"]+\.css)"/.exec(page) ?? [];
  const answer = await fetch(new URL(style ?? '', `${started.url}/`));
  expect(answer.status).toBe(200);
  expect((await answer.text()).length).toBeGreaterThan(1000);
});

test('a prompt gives a picture', async () => {
  const image = await fetch(`${started.url}/v1/images`, {
    method: 'POST',
    headers: { authorization: `Bearer ${started.key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ prompt: 'A photo of a dog.', seed: 0 }),
  });
  expect(image.status).toBe(200);
  expect(image.headers.get('content-type')).toBe('image/png');
});

test('commands find the server, and are written so that they can be pasted', () => {
  expect(onestep('open', '--print')).toContain(`${started.url}/session/`);
  expect(onestep()).toContain(`npx --yes --ignore-scripts ${file} `);
});

test('only this platform’s libraries of ONNX Runtime stay, and nothing was fetched for a GPU', () => {
  const [installed = ''] = readdirSync(join(work, 'npm', '_npx'));
  const packages = join(work, 'npm', '_npx', installed, 'node_modules');
  const libraries = join(packages, 'onnxruntime-node', 'bin', 'napi-v6');
  expect(readdirSync(libraries)).toEqual([process.platform]);
  expect(readdirSync(join(libraries, process.platform))).toEqual([process.arch]);
  expect(readdirSync(join(libraries, process.platform, process.arch)).join()).not.toMatch(/cuda/);
  // Tests and the CDK stay at home.
  for (const name of ['vitest', 'aws-cdk-lib', 'typescript']) {
    expect(existsSync(join(packages, name)), name).toBe(false);
  }
  // What a clone installs: all but the package itself, which brings the demo model.
  const words = ['-sk', '--exclude=node_modules/onestep', packages];
  const kilobytes = execFileSync('du', words, { encoding: 'utf8' });
  expect(Number.parseInt(kilobytes, 10)).toBeLessThanOrEqual(220 * 1024);
});

test('nothing is left in the folder but the data', () => {
  expect(readdirSync(folder).sort()).toEqual(['.onestep', file.slice(2)]);
});

test('a deployment is made from a copy with the pinned CDK', () => {
  // Refuses, after the copy was made.
  expect(() => onestep('nuke', '--stage', 'dev')).toThrow(/Say --yes/);
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const project = join(folder, '.onestep', `project-${version}`);
  expect(existsSync(join(project, 'cdk.json'))).toBe(true);
  const synth = execFileSync('npx', ['--no', 'cdk', 'list'], { cwd: project, encoding: 'utf8' });
  expect(synth).toContain('OnestepGpu');
}, 300_000);
