import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { codeSamples } from '#functions/api/browser/playground/code-samples.ts';
import { blocksOf, FILES } from '#test/helpers/doc-blocks.ts';
import { type RealServer, startRealServer } from '#test/helpers/real-server.ts';

const run = promisify(execFile);
const HERE = import.meta.dirname;

let server: RealServer;
beforeAll(async () => {
  server = await startRealServer();
});
afterAll(() => server.close());

/** Where a reader would save pictures: never in the checkout. */
const emptyFolder = () => mkdtempSync(join(tmpdir(), 'onestep-samples-'));

/** Runs Python against the server; what it writes to standard error is a complaint. */
async function python(words: readonly string[], cwd?: string): Promise<void> {
  const env = { ...process.env, ONESTEP_URL: server.url, ONESTEP_KEY: server.keys.key };
  const { stderr } = await run(inject('python'), words, { env, cwd });
  expect(stderr).toBe('');
}

describe('the stock clients', () => {
  const scripts = readdirSync(HERE).filter((name) => name.endsWith('.py'));
  // With the folder of the script on Python's path, where they share something.
  test.each(scripts)('%s', (name) => python(['-Es', join(HERE, name)]));
});

describe('the documents', () => {
  const blocks = FILES.flatMap((file) =>
    blocksOf(file)
      .filter(({ language }) => language === 'python')
      .map((block) => ({ file, ...block })),
  );
  test.each(blocks)('$file, line $line', async ({ code }) => {
    const folder = emptyFolder();
    await python(['-I', '-c', code], folder);
    rmSync(folder, { recursive: true });
  });
});

/** The page shows these very texts: test/browser/code-samples.test.ts compares them. */
describe.each([1, 2])('the page’s code for an order of %i', (count) => {
  test.each(['Replicate · Python', 'OpenAI · Python'])('%s', async (tab) => {
    const prompt = `"it's": null, and \\ so on`;
    const order = {
      ...{ model: 'onestep/demo', prompt, aspectRatio: '16:9' },
      ...{ seed: 12, count, format: 'webp' },
    };
    const samples = codeSamples(order, { origin: server.url, size: '336x192' });
    const folder = emptyFolder();
    await python(['-I', '-c', samples.find(({ name }) => name === tab)?.code ?? ''], folder);
    const files = readdirSync(folder);
    expect(files).toHaveLength(count);
    for (const name of files) {
      expect(await sharp(join(folder, name)).metadata()).toMatchObject({
        format: 'webp',
        width: 336,
      });
    }
    rmSync(folder, { recursive: true });
  });
});
