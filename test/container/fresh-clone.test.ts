import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { blocksOf } from '#test/helpers/doc-blocks.ts';
import { blocksRunBy } from '#test/helpers/doc-claims.ts';
import { ROOT } from '#test/helpers/root.ts';
import { removeFolder, temporaryFolder } from '#test/helpers/server-process.ts';
import { type PrintedStart, startAsPrinted } from '#test/helpers/start-as-printed.ts';

const run = promisify(execFile);

/**
 * A stranger's way: clone, `npm start`, a picture; then the docs' own commands for a model of one's own
 * and for AWS, as far as those need no account.
 */
let folder: string;
let clone: string;
let server: PrintedStart | undefined;

beforeAll(() => {
  folder = temporaryFolder();
  clone = join(folder, 'onestep');
  execFileSync('git', ['clone', '--quiet', ROOT, clone]);
});

afterAll(async () => {
  await server?.stop();
  removeFolder(folder);
});

/** The commands of a document that need nothing but the clone. */
const commandsOf = (file: string): string =>
  blocksOf(file)
    .flatMap(({ language, excuse, code }) =>
      language === 'sh' && excuse === undefined ? [code] : [],
    )
    .join('\n');

/** The commands that are claimed to be run here. */
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

test('npm start installs what it needs, npm test the rest while the server runs, and a prompt gives a picture', async () => {
  const started = await startAsPrinted(claimed('README.md'), { cwd: clone });
  server = started;
  const page = await fetch(started.url);
  expect(await page.text()).toContain('Onestep');
  await makesPicture(started);
  const megabytes = Number.parseInt(shell('du -sm --exclude=.cache node_modules'), 10);
  expect(megabytes).toBeLessThanOrEqual(220);
  const vitest = join(clone, 'node_modules/.bin/vitest');
  expect(existsSync(vitest)).toBe(false);
  // What `npm test` begins with. The server may close connections meanwhile, so this process listens.
  await run('node', ['functions/cli/install.mjs'], { cwd: clone });
  expect(existsSync(vitest)).toBe(true);
  await makesPicture(started);
  await started.stop();
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
