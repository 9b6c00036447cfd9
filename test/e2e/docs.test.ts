import { execFile } from 'node:child_process';
import { readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { blocksOf, FILES, ROOT } from '../helpers/doc-blocks.ts';
import {
  type RunningServer,
  removeFolder,
  startServer,
  temporaryFolder,
} from '../helpers/server-process.ts';

const run = promisify(execFile);

/**
 * Why a shell block is not run here: `env` sets what the test sets itself, `hub` needs the Hugging
 * Face hub, `aws` an account, `ci` is a command of `.ci/run`, `bench` takes
 * minutes and many gigabytes. Python blocks are run by `npm run test:python`, which installs clients.
 */
const EXCUSES = ['env', 'hub', 'aws', 'ci', 'bench'];

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
