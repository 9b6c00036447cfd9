import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { blocksOf } from '#test/helpers/doc-blocks.ts';
import { blocksRunBy } from '#test/helpers/doc-claims.ts';
import { ROOT } from '#test/helpers/root.ts';
import { removeFolder, temporaryFolder } from '#test/helpers/server-process.ts';

/**
 * A stranger's way: clone, `npm start`, a picture; then the docs' own commands for a model of one's own
 * and for AWS, as far as those need no account.
 */
let folder: string;
let clone: string;
let server: ChildProcess | undefined;

beforeAll(() => {
  folder = temporaryFolder();
  clone = join(folder, 'onestep');
  execFileSync('git', ['clone', '--quiet', ROOT, clone]);
});

afterAll(() => {
  if (server?.exitCode === null) process.kill(-(server.pid ?? 0), 'SIGKILL');
  removeFolder(folder);
});

/** The commands of a document that need nothing but the clone. */
const commandsOf = (file: string): string =>
  blocksOf(file)
    .flatMap(({ language, excuse, code }) =>
      language === 'sh' && excuse === undefined ? [code] : [],
    )
    .join('\n');

/** Those of them that `.ci/run` runs itself in this tree. */
const claimed = (file: string): string =>
  blocksRunBy(import.meta.filename)
    .flatMap(({ document, code }) => (document === file ? [code] : []))
    .join('\n');

function shell(code: string): string {
  return execFileSync('bash', ['-euo', 'pipefail', '-c', code], { cwd: clone, encoding: 'utf8' });
}

async function makesPicture({ url, key }: { url: string; key: string }): Promise<void> {
  const image = await fetch(`${url}/v1/images`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ prompt: 'A photo of a dog.', seed: 0 }),
  });
  expect(image.headers.get('content-type')).toBe('image/png');
}

/** Starts the server by the page's own words, and resolves with what it says it is. */
async function startAsPrinted(): Promise<{ url: string; key: string }> {
  const npm = spawn('bash', ['-euo', 'pipefail', '-c', claimed('README.md')], {
    cwd: clone,
    // Of its own group, as in a terminal; any port, where the page has the usual one.
    detached: true,
    env: { ...process.env, ONESTEP_PORT: '0' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  server = npm;
  let text = '';
  await new Promise<void>((resolve, reject) => {
    npm.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      if (text.includes('Ctrl-C')) resolve();
    });
    npm.once('exit', () => reject(new Error('npm start ended')));
  });
  const [, url = ''] = /running at (\S+)/.exec(text) ?? [];
  const [, key = ''] = /API key\s+(\S+)/.exec(text) ?? [];
  return { url, key };
}

test('npm start installs what it needs, npm test the rest while the server runs, and a prompt gives a picture', async () => {
  const started = await startAsPrinted();
  const page = await fetch(started.url);
  expect(await page.text()).toContain('Onestep');
  await makesPicture(started);
  const megabytes = Number.parseInt(shell('du -sm node_modules'), 10);
  expect(megabytes).toBeLessThanOrEqual(220);
  const vitest = join(clone, 'node_modules/.bin/vitest');
  expect(existsSync(vitest)).toBe(false);
  // What `npm test` begins with.
  shell('node functions/cli/install.mjs');
  expect(existsSync(vitest)).toBe(true);
  await makesPicture(started);
  const ended = new Promise((resolve) => server?.once('exit', resolve));
  process.kill(-(server?.pid ?? 0), 'SIGINT');
  await ended;
});

test('the steps to a model of one’s own', () => {
  expect(shell(commandsOf('docs/import.md'))).toBeDefined();
});

test('the steps to AWS, up to the first that needs an account', () => {
  const commands = claimed('docs/deploy.md') + commandsOf('docs/deploy.md');
  expect(shell(commands)).toMatch(/ml\.g6\.xlarge/);
});

test('nothing of it changed a file of the clone', () => {
  const strays = shell('git status --porcelain').split('\n');
  // What the docs' commands were told to write.
  expect(
    strays.filter((line) => !/imported-demo|boat\.png| demo(-int8(-again)?)?\/|^$/.test(line)),
  ).toEqual([]);
});
