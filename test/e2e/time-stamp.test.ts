import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureDemoModel } from '#functions/local/demo-model.ts';
import {
  type AuthorityFault,
  type FailingAuthority,
  startFailingAuthority,
} from '#test/helpers/failing-authority.ts';
import { type GpuProcess, inferenceRequest, startGpuProcess } from '#test/helpers/gpu-process.ts';
import { fromRoot } from '#test/helpers/root.ts';
import {
  type RunningServer,
  removeFolder,
  startServer,
  temporaryFolder,
} from '#test/helpers/server-process.ts';

const NO_TIME_STAMP = 'The image could not be signed. The time stamp authority gave no time stamp.';
/** Ten seconds for the authority, and as many for what is around it on a busy machine. */
const BOUND_MS = 20_000;

let authority: FailingAuthority;
let data: string;
let server: RunningServer;
let gpu: GpuProcess;

beforeAll(async () => {
  authority = await startFailingAuthority();
  data = temporaryFolder();
  const model = await ensureDemoModel(data);
  server = await startServer({ data, env: settings('never answers') });
  gpu = await startGpuProcess({
    MODEL_FOLDERS: model,
    DATA_FOLDER: data,
    C2PA_TIME_STAMP_URL: authority.urlOf('never ends its answer'),
  });
  await gpu.ready();
});
afterAll(async () => {
  await server?.end('SIGTERM');
  await gpu?.close();
  authority?.close();
  removeFolder(data);
});

const settings = (fault: AuthorityFault) => ({
  ONESTEP_C2PA: JSON.stringify({ timeStampUrl: authority.urlOf(fault) }),
});
/** How long it has been since the authority was asked first. */
const sinceAsked = (fault: AuthorityFault): number =>
  performance.now() - (authority.askedAt(fault) ?? 0);
const read = async (path: string, json?: object) => {
  const init = json === undefined ? {} : { json, headers: { prefer: 'wait=50' } };
  return JSON.parse(await (await server.send(path, init)).text());
};

describe.concurrent('an authority of time stamps that does not come to an end', () => {
  it('fails an order of the server in a while, which costs nothing', async () => {
    const before = await read('/v1/account');
    const input = { prompt: 'a boat', num_outputs: 3 };
    const prediction = await read('/v1/predictions', { input });
    expect(sinceAsked('never answers')).toBeLessThan(BOUND_MS);
    expect(prediction).toMatchObject({ status: 'failed', error: NO_TIME_STAMP, cost: 0 });
    expect(prediction.output).toBeNull();
    const after = await read('/v1/account');
    expect([after.balance, after.held]).toEqual([before.balance, 0]);
  });

  it('fails a task of the GPU function in a while, which stores no image', async () => {
    const { status, body } = await gpu.invoke(inferenceRequest('stamped', { num_outputs: 2 }));
    expect(sinceAsked('never ends its answer')).toBeLessThan(BOUND_MS);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(body).toMatchObject({ error: { code: 'model-error', message: NO_TIME_STAMP } });
    expect(existsSync(join(data, 'outputs/stamped'))).toBe(false);
  });

  it('ends generate in a while, without a file', async () => {
    const out = join(data, 'house.png');
    const words = [fromRoot('functions/cli/launch.mjs'), 'generate', 'a house', '--out', out];
    const run = spawn(process.execPath, [...words, '--data', data], {
      env: { ...process.env, ...settings('answers too late') },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const [said, [code]] = await Promise.all([text(run.stderr), once(run, 'close')]);
    expect(sinceAsked('answers too late')).toBeLessThan(BOUND_MS);
    expect([code, said]).toEqual([1, expect.stringContaining(NO_TIME_STAMP)]);
    expect(existsSync(out)).toBe(false);
  });
});
