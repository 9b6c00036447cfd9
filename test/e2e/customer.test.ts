import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startCardPayments } from '#test/helpers/card-payments.ts';
import { type RunningServer, removeFolder, startServer } from '#test/helpers/server-process.ts';
import type { StripeStandIn } from '#test/stand-ins/stripe-api.ts';

const run = promisify(execFile);
const CREDIT = 50_000;
const SECRET = 'aB3dE6gH9jK2mN5pQ8rS1tU4';

const BOUGHT = 3_000_000;

let server: RunningServer;
let stripe: StripeStandIn;
beforeAll(async () => {
  const payments = await startCardPayments(() => server.url);
  stripe = payments.stripe;
  server = await startServer({ env: payments.env });
});
afterAll(async () => {
  await server.end('SIGTERM');
  await stripe.close();
  removeFolder(server.data);
});

/** What a customer types. */
async function curl(path: string, options: { key?: string; json?: object } = {}) {
  const { key, json } = options;
  const words = ['--silent', '--show-error', server.url + path];
  if (key !== undefined) words.push('--header', `authorization: Bearer ${key}`);
  if (json !== undefined) {
    words.push('--header', 'content-type: application/json', '--data', JSON.stringify(json));
    words.push('--header', 'prefer: wait=30');
  }
  const { stdout } = await run('curl', words);
  return stdout.startsWith('{') ? JSON.parse(stdout) : stdout;
}

test('a customer from nothing by curl: invitation, image, card, statement; every number agrees', async () => {
  const json = { name: 'shop', credit: CREDIT };
  const made = await server.send('/v1/invitations', { json, admin: true });
  const { url } = (await made.json()) as { url: string };
  expect(url.startsWith(`${server.url}/join#`)).toBe(true);
  const token = url.slice(url.indexOf('#') + 1);
  expect(await curl('/v1/join/check', { json: { token } })).toMatchObject(json);

  const redemption = { json: { token, key_secret: SECRET } };
  const { account, key } = await curl('/v1/join', redemption);
  expect(await curl('/v1/join', redemption)).toMatchObject({ account, key });
  expect(account).toMatchObject({ name: 'shop', balance: CREDIT });

  const order = { input: { prompt: 'a tree' } };
  const image = await curl('/v1/predictions', { key: key.key, json: order });
  expect(image).toMatchObject({ status: 'succeeded' });
  const page = await curl('/v1/topups', { key: key.key, json: { amount: BOUGHT } });
  await run('curl', ['--silent', '--show-error', '--fail', '--request', 'POST', page.url]);

  const after = await curl('/v1/account', { key: key.key });
  expect(after).toMatchObject({ balance: CREDIT - image.cost + BOUGHT, held: 0 });
  const statement = await curl('/v1/statement', { key: key.key });
  expect(statement).toMatchObject({
    opening: 0,
    closing: after.balance,
    sums: { grant: CREDIT + BOUGHT, capture: -image.cost },
    lines: [
      { kind: 'grant', change: CREDIT },
      { kind: 'capture', change: -image.cost, prediction: image.id },
      { kind: 'grant', change: BOUGHT, total: after.balance },
    ],
  });
  const csv: string = await curl('/v1/statement?format=csv', { key: key.key });
  const changes = csv.split('\r\n').flatMap((line) => Number(line.split(',')[2]) || []);
  expect(changes.reduce((sum, change) => sum + change, 0)).toBe(after.balance);
});
