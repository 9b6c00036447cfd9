import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ApiHarness, createApiHarness } from '#test/helpers/api-harness.ts';
import { createManualClock } from '#test/helpers/manual-clock.ts';

const clock = createManualClock();
let api: ApiHarness;
beforeAll(async () => {
  api = await createApiHarness({ clock });
});
afterAll(() => api.close());

it('a stream’s link works until the prediction’s deadline and as long as pictures’ links, no longer', async () => {
  const created = await api.send('/v1/predictions', {
    json: { input: { prompt: 'a mill' } },
    headers: { prefer: 'wait' },
  });
  const { id, urls, deadline } = await created.json();
  const follow = (url: string) => api.send(url, { key: null });
  const { urlTtlMs } = api.api.settings;

  const lastMs = Math.floor((Date.parse(deadline) + urlTtlMs) / 1000) * 1000 - 1;
  clock.advance(lastMs - clock.now());
  const last = await follow(urls.stream);
  expect([last.status, await last.text()]).toEqual([200, expect.stringContaining('event: done')]);
  clock.advance(1001);
  expect((await follow(urls.stream)).status).toBe(410);
  expect((await follow(`${urls.stream.slice(0, -1)}!`)).status).toBe(404);

  const anew = await (await api.send(`/v1/predictions/${id}`)).json();
  expect((await follow(anew.urls.stream)).status).toBe(200);
});
