import { mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codeSamples } from '#functions/api/browser/playground/code-samples.ts';
import { fromRoot } from '#test/helpers/root.ts';
import { openPage } from './open-page.ts';
import { arrive, run, visitServer } from './visit-server.ts';

const visited = visitServer();
const PROMPT = `"it's": null, and \\ so on`;

/** Where a reader would paste: an empty folder with the packages that a sample names. */
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'onestep-samples-'));
  symlinkSync(fromRoot('node_modules'), join(folder, 'node_modules'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Ordered {
  readonly receipt: { readonly input: Readonly<Record<string, unknown>> };
}

/** Fills the form, and reads the code under each tab of the page. */
async function shownCode(count: 1 | 2): Promise<Map<string, string>> {
  const { page, context } = await openPage(visited.browser, { stays: true });
  await arrive(page, visited.server);
  await page.fill('#prompt', PROMPT);
  await page.fill('#seed', '12');
  await page.check('#aspect input[value="16:9"]');
  await page.check('#format input[value="webp"]');
  await page.check(`#count input[value="${count}"]`);
  await page.click('text=As code');
  const shown = new Map<string, string>();
  for (const tab of await page.locator('.code [role=tab]').all()) {
    await tab.click();
    shown.set((await tab.textContent()) ?? '', (await page.textContent('.code pre')) ?? '');
  }
  await context.close();
  return shown;
}

/** Runs a sample as its reader would, and returns what it has saved. */
async function saved(tab: string, code: string): Promise<string[]> {
  const before = new Set(readdirSync(folder));
  const env = { ...process.env, ONESTEP_KEY: visited.server.key };
  if (tab === 'curl') {
    await run('bash', ['-euo', 'pipefail', '-c', code], { cwd: folder, env });
  } else {
    writeFileSync(join(folder, 'sample.mjs'), code);
    const { stderr } = await run(process.execPath, ['sample.mjs'], { cwd: folder, env });
    expect(stderr, tab).toBe('');
    rmSync(join(folder, 'sample.mjs'));
  }
  return readdirSync(folder).filter((name) => !before.has(name));
}

describe.each([1, 2] as const)('the code on the page for an order of %i', (count) => {
  let shown: Map<string, string>;
  beforeAll(async () => {
    shown = await shownCode(count);
  });

  it('is what test:python runs, where it is Python', () => {
    const order = {
      ...{ model: 'onestep/demo', prompt: PROMPT, aspectRatio: '16:9' },
      ...{ seed: 12, count, format: 'webp' },
    };
    const samples = codeSamples(order, { origin: visited.server.url, size: '336x192' });
    expect([...shown]).toEqual(samples.map(({ name, code }) => [name, code]));
    expect(samples.filter(({ name }) => name.endsWith('Python'))).toHaveLength(2);
  });

  it.each(['curl', 'Replicate · JS', 'OpenAI · JS', 'fal · JS', 'AI SDK · JS', 'MCP · JS'])(
    'saves what the form says: %s',
    async (tab) => {
      const files = await saved(tab, shown.get(tab) ?? '');
      expect(files).toHaveLength(count);
      for (const name of files) {
        expect(name).toMatch(/^it-s-null-and-so-on(-[01])?\.webp$/);
        expect(await sharp(join(folder, name)).metadata()).toMatchObject({
          format: 'webp',
          width: 336,
          height: 192,
        });
        rmSync(join(folder, name));
      }
      const made = await visited.server.send('/v1/predictions?limit=1');
      const { results } = (await made.json()) as { results: Ordered[] };
      expect(results[0]?.receipt.input).toMatchObject({
        prompt: PROMPT,
        seed: 12,
        width: 336,
        height: 192,
        num_outputs: count,
      });
    },
  );
});
