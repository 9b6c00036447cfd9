import { describe, expect, it } from 'vitest';
import { openPage } from './open-page.ts';
import { arrive, SLOW, visitServer } from './visit-server.ts';

const visited = visitServer();

/** Opens a call's form on the reference, fills it, sends it, and returns the place of its answer. */
async function tried(id: string, fields: Readonly<Record<string, string>> = {}) {
  const { page, errors } = await openPage(visited.browser);
  await arrive(page, visited.server);
  await page.goto(`${visited.server.url}/docs`);
  const section = page.locator(`[id="${id}"]`);
  await section.locator('text=Try it').click();
  for (const [name, value] of Object.entries(fields)) {
    await section.locator(`[name="${name}"]`).fill(value);
  }
  await section.locator('button:has-text("Send")').click();
  await expect.poll(() => section.locator('[role=status]').textContent(), SLOW).toMatch(/^\d{3} /);
  expect(errors).toEqual([]);
  return { section, title: (await section.locator('[role=status]').textContent()) ?? '' };
}

describe('trying a call on the API reference', () => {
  it('makes a picture and shows it', async () => {
    const { section, title } = await tried('post--v1-images');
    expect(title).toMatch(/^200 OK in /);
    const image = section.locator('.try img');
    expect(await image.getAttribute('src')).toMatch(/^data:image\/png;base64,/);
    expect(await image.evaluate((one: { naturalWidth: number }) => one.naturalWidth)).toBe(256);
  });

  it('puts names into the path and a query behind it', async () => {
    const names = { owner: 'onestep', name: 'demo' };
    const model = await tried('get--v1-models-owner-name-', names);
    expect(model.title).toMatch(/^200 /);
    expect(await model.section.locator('.try pre').textContent()).toContain('"name": "demo"');
    const list = await tried('get--v1-predictions', { '?query': 'limit=1' });
    const text = (await list.section.locator('.try pre').textContent()) ?? '';
    expect(JSON.parse(text).results).toHaveLength(1);
  });

  it('sends the headers that the call needs', async () => {
    const { section, title } = await tried('post--mcp');
    expect(title).toMatch(/^200 /);
    expect(await section.locator('.try pre').textContent()).toContain('list_models');
  });

  it('shows a refusal as it came', async () => {
    const { section, title } = await tried('post--v1-estimate', { '?body': '{"input":{}}' });
    expect(title).toMatch(/^422 /);
    expect(await section.locator('.try pre').textContent()).toContain('input.prompt');
  });
});
