import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { COMMON_OPTIONS } from '#functions/cli/command.ts';
import { COMMANDS } from '#functions/cli/commands.ts';
import { loadServeConfig } from '#functions/local/serve-config.ts';
import { blocksOf, FILES } from '#test/helpers/doc-blocks.ts';
import { blocksRunBy } from '#test/helpers/doc-claims.ts';
import { ROOT, readFromRoot } from '#test/helpers/root.ts';
import {
  type RunningServer,
  removeFolder,
  startServer,
  temporaryFolder,
} from '#test/helpers/server-process.ts';

const run = promisify(execFile);

/**
 * Why a block is not run here: it needs what this test has not, or takes too long. `env` sets what the
 * test sets itself, `ci` is a command of `.ci/run`, `hub` needs the Hugging Face hub, `aws` AWS's command
 * line, `account` an AWS account to deploy to, `host` a server of one's own, `docker` images, `bench`
 * minutes and many gigabytes, `gpu` a GPU. What runs each of them instead is in test/helpers/doc-claims.ts.
 * Whatever is not run is still checked to name commands and options that there are. Python blocks are run
 * by `npm run test:python`, which installs clients.
 */
const EXCUSES = ['env', 'hub', 'aws', 'account', 'ci', 'bench', 'host', 'docker', 'gpu'];

/** What a block may be: each is run, or read as what it is. */
const LANGUAGES = ['sh', 'js', 'json', 'python', 'nginx', 'ini', 'yaml'];
/** Calls of `onestep` in blocks and in the text, as their words. */
function callsOf(file: string): readonly string[][] {
  const text = readFromRoot(file).replaceAll('\\\n', ' ');
  const inline = [...text.matchAll(/`[^`\n]*?\bonestep ([a-z]+[^`\n]*)`/g)];
  const scripts = [...text.matchAll(/^.*?npx --no onestep ([a-z][^\n|>`]*)/gm)];
  return [...inline, ...scripts].map((match) => (match[1] ?? '').trim().split(/\s+/));
}

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

  test('every block is run, or says why not', () => {
    const excuses = blocks.flatMap(({ excuse }) => excuse ?? []);
    expect(excuses.filter((excuse) => !EXCUSES.includes(excuse))).toEqual([]);
    for (const { language } of blocks) expect(LANGUAGES).toContain(language);
    const text = readFromRoot(file);
    expect(text.match(/^```/gm)?.length ?? 0).toBe(2 * blocks.length);
    expect(text.match(/^ {4}(?:onestep|npm|npx|aws|curl) .*/gm) ?? []).toEqual([]);
  });

  test('names only commands and options that there are', async () => {
    for (const [name = '', ...words] of callsOf(file)) {
      const command = await COMMANDS[name]?.();
      expect(command, `onestep ${name}`).toBeDefined();
      const known = { ...COMMON_OPTIONS, ...command?.options };
      for (const word of words) {
        const [, option] = /^--([a-z][\w-]*)/.exec(word) ?? [];
        if (option !== undefined) expect(Object.keys(known), `onestep ${name}`).toContain(option);
      }
    }
  });

  for (const { language, excuse, code, line } of blocks) {
    if (excuse !== undefined) continue;
    if (language === 'sh') {
      test(`line ${line}: shell`, async () => {
        await run('bash', ['-euo', 'pipefail', '-c', code], { cwd: folder, env: environment() });
      });
    }
    if (language === 'json') {
      test(`line ${line}: settings`, () => {
        const path = join(folder, `settings-${line}.json`);
        writeFileSync(path, code);
        const sources = { flags: {}, env: {}, file: path, fileRequired: true };
        expect(loadServeConfig(sources)).toMatchObject(JSON.parse(code));
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

test.each(blocksRunBy(import.meta.filename))(
  '$document, line $line: what it sets is what the first call needs',
  async ({ document, code }) => {
    const [call] = blocksOf(document).filter(
      ({ language, excuse }) => language === 'sh' && !excuse,
    );
    // The reader's own key, and the port that this server has.
    const settings = code
      .replace('os_live_…', server.key)
      .replace('http://127.0.0.1:8787', server.url);
    const { ONESTEP_URL: _, ONESTEP_KEY: __, ...env } = environment();
    const words = ['-euo', 'pipefail', '-c', `${settings}\n${call?.code}`];
    await run('bash', words, { cwd: folder, env });
    const [, name = ''] = /-o (\S+)/.exec(call?.code ?? '') ?? [];
    expect(readFileSync(join(folder, name)).subarray(1, 4).toString()).toBe('PNG');
  },
);
