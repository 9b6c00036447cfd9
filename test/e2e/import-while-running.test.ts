import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runImport } from '#test/helpers/import-process.ts';
import { fixture } from '#test/helpers/model-fixture.ts';
import { gpuFunctionOf } from '#test/helpers/processes.ts';
import {
  type RunningServer,
  removeFolder,
  startServer,
  temporaryFolder,
} from '#test/helpers/server-process.ts';

const NAME = 'acme/tiny';

let data: string;
let server: RunningServer;

beforeAll(async () => {
  data = temporaryFolder();
  server = await startServer({ data });
});
afterAll(async () => {
  await server?.end('SIGTERM');
  removeFolder(data);
});

// biome-ignore lint/suspicious/noExplicitAny: tests read answers of every shape.
const read = async (path: string, json?: object): Promise<any> => {
  const init = json === undefined ? {} : { json, headers: { prefer: 'wait=50' } };
  return JSON.parse(await (await server.send(path, init)).text());
};
const names = async (): Promise<string[]> =>
  // biome-ignore lint/suspicious/noExplicitAny: tests read answers of every shape.
  (await read('/v1/models')).data.map(({ id }: any) => id);

/** Imports the tiny model by the command line, beside the running server. */
async function importTiny(recipe: string): Promise<string> {
  const words = ['--repo', fixture('tiny', 'repo'), '--recipe', recipe, '--name', NAME];
  const { code, stdout, stderr } = await runImport([...words, '--data', data]);
  expect(code, stderr).toBe(0);
  return stdout.trim();
}

const order = () => read('/v1/predictions', { model: NAME, input: { prompt: 'a boat', seed: 1 } });
const version = async (): Promise<string> =>
  (await read(`/v1/models/${NAME}`)).latest_version?.id ?? 'none';
const soon = { timeout: 90_000, interval: 200 };

describe('a model imported while the server runs', () => {
  it('is listed, chosen on the page, priced and drawn, without a restart', async () => {
    expect(await names()).toEqual(['onestep/demo']);
    expect((await order()).error.message).toContain('onestep/demo');
    const digest = await importTiny('disback');
    await expect.poll(names, soon).toEqual(['onestep/demo', NAME]);
    expect(await version()).toBe(digest);
    expect(await (await server.send('/')).text()).toContain(`"name":"${NAME}"`);
    expect((await read(`/v1/models/${NAME}/versions/${digest}`)).openapi_schema).toHaveProperty(
      'components.schemas.Input.properties.prompt',
    );
    expect(await order()).toMatchObject({ status: 'succeeded', model: NAME, cost: 4000 });
    expect(await read('/v1/predictions', { input: { prompt: 'a boat' } })).toMatchObject({
      status: 'succeeded',
      model: 'onestep/demo',
    });
  });

  it('is drawn as it is now once it is imported again', async () => {
    const digest = await importTiny('turbo');
    await expect.poll(version, soon).toBe(digest);
    expect(await order()).toMatchObject({ status: 'succeeded', model: NAME, version: digest });
  });

  it.runIf(process.platform === 'linux')('outlives the process that draws', async () => {
    const pid = gpuFunctionOf(server.pid);
    if (pid === undefined) throw new Error('the server has no GPU function');
    process.kill(pid, 'SIGKILL');
    expect(await order()).toMatchObject({ status: 'succeeded', model: NAME });
  });

  it('is no longer offered when its folder is gone', async () => {
    renameSync(join(data, 'models', 'tiny'), join(data, 'put-away'));
    await expect.poll(names, soon).toEqual(['onestep/demo']);
    expect((await order()).error).toMatchObject({ code: 'invalid_input' });
    expect(server.process.exitCode).toBeNull();
  });
});
