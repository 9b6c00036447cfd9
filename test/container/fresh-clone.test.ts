import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from 'vitest';
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
  server?.kill('SIGKILL');
  removeFolder(folder);
});

/** The commands of a document's shell blocks of one kind. */
function commandsOf(file: string, kind: string): string {
  const text = readFileSync(join(clone, file), 'utf8');
  const blocks = [...text.matchAll(/^```sh( \w+)?\n(.*?)^```$/gms)];
  return blocks.flatMap(([, found, code]) => ((found ?? '') === kind ? [code] : [])).join('\n');
}

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

test('npm start installs what it needs, npm test the rest while the server runs, and a prompt gives a picture', async () => {
  const npm = spawn('npm', ['start', '--silent', '--', '--port', '0', '--json'], {
    cwd: clone,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  server = npm;
  const lines = createInterface({ input: npm.stdout });
  const line = await new Promise<string>((resolve, reject) => {
    lines.once('line', resolve);
    npm.once('exit', () => reject(new Error('npm start ended')));
  });
  const started = JSON.parse(line) as { url: string; key: string; pid: number };
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
  const ended = new Promise((resolve) => npm.once('exit', resolve));
  process.kill(started.pid, 'SIGTERM');
  await ended;
});

test('the steps to a model of one’s own', () => {
  expect(shell(commandsOf('docs/import.md', ''))).toBeDefined();
});

test('the steps to AWS, up to the first that needs an account', () => {
  const looks = commandsOf('docs/deploy.md', ' ci');
  const costsAndPackage = commandsOf('docs/deploy.md', '');
  expect(shell(`${looks}${costsAndPackage}`)).toMatch(/ml\.g6\.xlarge/);
});

test('nothing of it changed a file of the clone', () => {
  const strays = shell('git status --porcelain').split('\n');
  // What the docs' commands were told to write.
  expect(
    strays.filter((line) => !/imported-demo|boat\.png| demo(-int8(-again)?)?\/|^$/.test(line)),
  ).toEqual([]);
});
