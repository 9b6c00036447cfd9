import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { blocksOf, FILES } from '#test/helpers/doc-blocks.ts';
import { type RealServer, startRealServer } from '#test/helpers/real-server.ts';

const run = promisify(execFile);
const HERE = import.meta.dirname;

let server: RealServer;
beforeAll(async () => {
  server = await startRealServer();
});
afterAll(() => server.close());

/** Runs Python against the server; what it writes to standard error is a complaint. */
async function python(...words: string[]): Promise<void> {
  const env = { ...process.env, ONESTEP_URL: server.url, ONESTEP_KEY: server.keys.key };
  const { stderr } = await run(inject('python'), words, { env });
  expect(stderr).toBe('');
}

describe('the stock clients', () => {
  const scripts = readdirSync(HERE).filter((name) => name.endsWith('.py'));
  // With the folder of the script on Python's path, where they share something.
  test.each(scripts)('%s', (name) => python('-Es', join(HERE, name)));
});

describe('the documents', () => {
  const blocks = FILES.flatMap((file) =>
    blocksOf(file)
      .filter(({ language }) => language === 'python')
      .map((block) => ({ file, ...block })),
  );
  test.each(blocks)('$file, line $line', ({ code }) => python('-I', '-c', code));
});
