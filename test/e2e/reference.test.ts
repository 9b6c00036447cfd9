import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startWebhookReceiver } from '#test/helpers/webhook-receiver.ts';
import {
  type RunningServer,
  removeFolder,
  startServer,
  temporaryFolder,
} from '#test/helpers/server-process.ts';

const run = promisify(execFile);

/** What a call answers where that is no success, since what it is about is not there. */
const REFUSALS: Readonly<Record<string, number>> = {
  // A receiver that nothing was ever sent to.
  'POST /v1/webhooks/endpoints/enable': 404,
  // None is set until the next call.
  'GET /v1/webhooks/account': 404,
  // A request that has ended.
  'PUT /fal/queue/{owner}/{name}/requests/{id}/cancel': 400,
};

let server: RunningServer;
let receiver: Awaited<ReturnType<typeof startWebhookReceiver>>;
let folder: string;
let commands: readonly string[];

beforeAll(async () => {
  folder = temporaryFolder();
  receiver = await startWebhookReceiver();
  server = await startServer({ env: { ONESTEP_ALLOW_LOCAL_WEBHOOKS: '1' } });
  const page = await (await fetch(`${server.url}/docs`)).text();
  commands = [...page.matchAll(/<pre [^>]*class="curl">(.*?)<\/pre>/gs)].map(([, text = '']) =>
    text
      .replaceAll('&quot;', '"')
      .replaceAll('&#39;', "'")
      .replaceAll('&lt;', '<')
      .replaceAll('&gt;', '>')
      .replaceAll('&amp;', '&'),
  );
});
afterAll(async () => {
  await server?.end('SIGTERM');
  await receiver?.stop();
  removeFolder(folder);
  if (server !== undefined) removeFolder(server.data);
});

// biome-ignore lint/suspicious/noExplicitAny: tests read answers of every shape.
async function call(path: string, json?: object): Promise<any> {
  const init = json === undefined ? {} : { json };
  const headers = { prefer: 'wait=30' };
  return (await server.send(path, { ...init, headers, admin: true })).json();
}

const predict = (more: object = {}) =>
  call('/v1/predictions', { input: { prompt: 'a boat', width: 64, height: 64 }, ...more });

/** Something of one's own for each name in braces, as a reader would put it there. */
async function filled(command: string): Promise<string> {
  const text = command.replaceAll('{owner}', 'onestep').replaceAll('{name}', 'demo');
  if (text.includes('{version}')) {
    return text.replace('{version}', (await call('/v1/models/onestep/demo')).latest_version.id);
  }
  if (text.includes('{token}')) {
    return text.replace('$ONESTEP_URL/streams/{id}/{token}', (await predict()).urls.stream);
  }
  if (/\/v1\/join/.test(text)) {
    const { url } = await call('/v1/invitations', { name: 'one' });
    return text.replace(/inv_[^"]+/, new URL(url).hash.slice(1));
  }
  if (!text.includes('{id}')) return text;
  return text.replace('{id}', await idFor(text));
}

async function idFor(command: string): Promise<string> {
  if (command.includes('/keys/')) return (await call('/v1/keys', { label: 'one' })).id;
  if (command.includes('/invitations/')) {
    return (await call('/v1/invitations', { name: 'one' })).id;
  }
  if (command.includes('/accounts/')) return (await call('/v1/accounts', { name: 'one' })).id;
  if (!command.includes('/deliveries/')) return (await predict()).id;
  const { id } = await predict({ webhook: receiver.url, webhook_events_filter: ['completed'] });
  let delivery: { id: string; status: string } | undefined;
  while (delivery?.status !== 'delivered') {
    delivery = (await call(`/v1/predictions/${id}/webhooks`)).results[0];
  }
  return delivery.id;
}

/** Runs a command as it is printed, and returns the status that it got. */
async function statusOf(command: string): Promise<number> {
  const env = { ...process.env, ONESTEP_URL: server.url, ONESTEP_KEY: server.admin_key };
  const told = ` --silent --show-error --write-out '\\n%{http_code}'`;
  const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', (await filled(command)) + told], {
    cwd: folder,
    env,
    encoding: 'latin1',
    maxBuffer: 1e8,
  });
  return Number(stdout.slice(stdout.lastIndexOf('\n') + 1));
}

describe('the API reference', () => {
  it('has a command for each call that the OpenAPI document has', async () => {
    const { paths } = await call('/openapi.json');
    const calls = Object.values(paths).flatMap((methods) => Object.keys(methods as object));
    expect(commands).toHaveLength(calls.length);
  });

  it('prints commands that run, and do what they say', async () => {
    const statuses: string[] = [];
    const wanted: string[] = [];
    for (const command of commands) {
      const [, method = 'GET', path = ''] =
        /^curl(?: -X (\w+))? "\$ONESTEP_URL([^"]*)"/.exec(command) ?? [];
      const name = `${method} ${path}`;
      const status = await statusOf(command);
      const refusal = REFUSALS[name];
      wanted.push(`${name} ${refusal ?? '2xx'}`);
      statuses.push(`${name} ${status < 300 ? '2xx' : status}`);
    }
    expect(statuses).toEqual(wanted);
  }, 120_000);
});
