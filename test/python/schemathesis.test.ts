import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { type RunningServer, removeFolder, startServer } from '#test/helpers/server-process.ts';

/**
 * Left out: what no schema says of an input (that a URL can be reached, that words are of a language), and the
 * methods of `/fal/proxy`, which takes all that fal's client sends and describes one.
 */
const LEFT_OUT = ['positive_data_acceptance', 'unsupported_method'];

let server: RunningServer;
beforeAll(async () => {
  server = await startServer({ env: { ONESTEP_DEMO_CREDIT: '1000000000' } });
});
afterAll(async () => {
  await server?.end('SIGTERM');
  if (server !== undefined) removeFolder(server.data);
});

it('Schemathesis finds no answer that the description does not promise, along its links too', async () => {
  const st = join(dirname(inject('python')), 'st');
  const run = await promisify(execFile)(
    st,
    [
      'run',
      `${server.url}/openapi.json`,
      ...['--header', `Authorization: Bearer ${server.admin_key}`],
      ...['--phases', 'coverage,stateful'],
      ...['--exclude-checks', LEFT_OUT.join(',')],
      ...['--max-examples', '10', '--seed', '1', '--request-timeout', '60', '--no-color'],
    ],
    // It writes what it has found into the working directory.
    { maxBuffer: 2 ** 26, cwd: server.data },
  ).catch((error: { stdout: string; stderr: string }) => error);
  expect(run.stdout + run.stderr).toMatch(/(\d{4,}) generated, \1 passed/);
}, 600_000);
