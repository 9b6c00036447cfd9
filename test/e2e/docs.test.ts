import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type RunningServer,
  removeFolder,
  startServer,
  temporaryFolder,
} from '../helpers/server-process.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

/**
 * Why a shell block is not run here: `env` sets what the test sets itself, `hub` needs the Hugging
 * Face hub, `aws` an account, `ci` is a command of `.ci/run`, `bench` takes
 * minutes and many gigabytes.
 */
const EXCUSES = ['env', 'hub', 'aws', 'ci', 'bench'];

interface Block {
  readonly language: string;
  readonly excuse: string | undefined;
  readonly code: string;
  readonly line: number;
}

function blocksOf(file: string): readonly Block[] {
  const text = readFileSync(join(ROOT, file), 'utf8');
  return [...text.matchAll(/^```(\w+)(?: (\w+))?\n(.*?)^```$/gms)].map((match) => ({
    language: match[1] ?? '',
    excuse: match[2],
    code: match[3] ?? '',
    line: text.slice(0, match.index).split('\n').length,
  }));
}

const FILES = [
  'README.md',
  ...readdirSync(join(ROOT, 'docs')).map((name) => `docs/${name}`),
].filter((file) => file.endsWith('.md'));

let server: RunningServer;
let folder: string;

beforeAll(async () => {
  server = await startServer();
  folder = temporaryFolder();
  // What the commands write must not land in the checkout.
  for (const name of readdirSync(ROOT)) {
    if (!name.startsWith('.')) symlinkSync(join(ROOT, name), join(folder, name));
  }
});

afterAll(async () => {
  await server?.end('SIGTERM');
  if (server !== undefined) removeFolder(server.data);
  if (folder !== undefined) removeFolder(folder);
});

function environment(): NodeJS.ProcessEnv {
  return {
    ...process.env,
    ONESTEP_URL: server.url,
    ONESTEP_KEY: server.key,
    ONESTEP_SKIP_INSTALL: '1',
  };
}

describe.each(FILES)('%s', (file) => {
  const blocks = blocksOf(file);

  test('every shell block is run, or says why not', () => {
    const excuses = blocks.flatMap(({ excuse }) => excuse ?? []);
    expect(excuses.filter((excuse) => !EXCUSES.includes(excuse))).toEqual([]);
  });

  for (const { language, excuse, code, line } of blocks) {
    if (excuse !== undefined) continue;
    if (language === 'sh') {
      test(`line ${line}: shell`, async () => {
        await run('bash', ['-euo', 'pipefail', '-c', code], { cwd: folder, env: environment() });
      });
    }
    if (language === 'js') {
      test(`line ${line}: JavaScript`, async () => {
        const words = ['--input-type=module', '--eval', code];
        const { stderr } = await run(process.execPath, words, { cwd: ROOT, env: environment() });
        expect(stderr).toBe('');
      });
    }
  }
});
