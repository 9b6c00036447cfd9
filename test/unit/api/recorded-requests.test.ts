import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiHarness, createApiHarness } from '#test/helpers/api-harness.ts';
import { fromRoot } from '#test/helpers/root.ts';

/** A request as a program's own source makes it. */
interface Recorded {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly auth: 'bearer' | 'basic';
  readonly body?: object;
  readonly form?: Readonly<Record<string, string>>;
  /** What the program takes from the answer. */
  readonly reads: keyof typeof READERS;
}

const FOLDER = fromRoot('test/fixtures/requests');
const PROGRAMS = readdirSync(FOLDER).map((file) => ({
  program: file.replace('.json', ''),
  requests: JSON.parse(readFileSync(`${FOLDER}/${file}`, 'utf8')).requests as readonly Recorded[],
}));

const text = (base64: unknown) => Buffer.from(String(base64), 'base64').toString();
const picture = expect.stringMatching(/^(png|jpeg|webp) .*(mill|cat|fox)/);

// biome-ignore lint/suspicious/noExplicitAny: each program reads another shape.
const READERS: Record<string, (body: any, status: number) => void> = {
  'data.b64_json': ({ data }) => {
    for (const { b64_json } of data) expect(text(b64_json)).toEqual(picture);
    expect(data.length).toBeGreaterThan(0);
  },
  'data.url': ({ data }) => expect(data[0].url).toMatch(/^http.*\.png/),
  images({ images, info }) {
    for (const image of images) expect(text(image)).toEqual(picture);
    const { seed, infotexts, width, height, all_seeds } = JSON.parse(info);
    expect(all_seeds).toHaveLength(images.length);
    expect(infotexts[0].split('\n').pop()).toContain(`Seed: ${seed}, Size: ${width}x${height}`);
  },
  options: (body) => expect(body.sd_model_checkpoint).toBe('onestep/test'),
  models: (body) =>
    expect(body[0]).toMatchObject({ title: 'onestep/test', model_name: 'onestep/test' }),
  names: (body) =>
    expect(body.every(({ name }: { name: unknown }) => typeof name === 'string')).toBe(true),
  idle: (body) => expect(body).toMatchObject({ progress: 0, state: { job_count: 0 } }),
  refusal: (body, status) =>
    expect([status, body.detail]).toEqual([404, expect.stringContaining('/v1/images/generations')]),
  nothing: (_body, status) => expect(status).toBe(200),
};

let api: ApiHarness;
beforeAll(async () => {
  const names = ['gpt-image-1', 'dall-e-3', 'dall-e-2'];
  api = await createApiHarness({
    aliases: Object.fromEntries(names.map((name) => [name, 'onestep/test'])),
  });
});
afterAll(() => api.close());

function send({ method, path, auth, body, form }: Recorded) {
  const authorization =
    auth === 'bearer'
      ? `Bearer ${api.keys.key}`
      : `Basic ${Buffer.from(`onestep:${api.keys.key}`).toString('base64')}`;
  if (form !== undefined) {
    const data = new FormData();
    for (const [name, value] of Object.entries(form)) data.set(name, value);
    data.set('image', new Blob([new Uint8Array([0x89, 0x50])]), 'a.png');
    return api.send(path, { method, headers: { authorization }, body: data });
  }
  return api.send(path, { method, headers: { authorization }, ...(body && { json: body }) });
}

describe.each(PROGRAMS)('$program', ({ requests }) => {
  it.each(requests)('$name: $method $path', async (request) => {
    const answer = await send(request);
    const body = await answer.json();
    if (request.reads !== 'refusal') expect(answer.status, JSON.stringify(body)).toBe(200);
    READERS[request.reads]?.(body, answer.status);
  });
});

it('nothing that a program sent beside its order is kept', async () => {
  const { results } = await (await api.send('/v1/predictions')).json();
  expect(results.length).toBeGreaterThan(10);
  expect(JSON.stringify(results)).not.toContain('os_live_in_the_body');
});
