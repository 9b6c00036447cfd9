import { afterAll, expect, test } from 'vitest';
import { ROOT } from '#test/helpers/root.ts';
import { runOnestep } from '#test/helpers/run-cli.ts';
import { removeFolder, startServer, temporaryFolder } from '#test/helpers/server-process.ts';

const data = temporaryFolder();
const elsewhere = temporaryFolder();
afterAll(() => {
  process.chdir(ROOT);
  removeFolder(data);
  removeFolder(elsewhere);
});

/** The document that a command prints; rejects with how it ended otherwise. */
async function documentOf(words: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { status, stdout, stderr } = await runOnestep([...words, '--json'], { env });
  if (status !== 0) throw Object.assign(new Error(stderr), { code: status, stderr });
  return JSON.parse(stdout);
}
const onestep = (...words: readonly string[]) => documentOf([...words, '--data', data]);

test('keys and credits work on the running server and on its folder alike', async () => {
  await expect(onestep('keys', 'list')).rejects.toThrow(/holds no data yet/);
  const server = await startServer({ data });
  const use = (key: string) =>
    server.send('/v1/models', { headers: { authorization: `Bearer ${key}` } });

  const issued = await onestep('keys', 'create', '--label', 'shop', '--day-cap', '0.5');
  expect(issued).toMatchObject({ label: 'shop', day_cap: 500_000 });
  expect((await use(issued.key)).status).toBe(200);
  const rotated = await onestep('keys', 'rotate', issued.id, '--overlap', '0');
  expect((await use(issued.key)).status).toBe(401);
  expect((await use(rotated.key)).status).toBe(200);
  await onestep('keys', 'revoke', rotated.id);
  expect((await use(rotated.key)).status).toBe(401);
  await onestep('credits', 'grant', '2.5', '--reference', 'invoice-1');
  const made = await server.send('/v1/accounts', { json: { name: 'customer' }, admin: true });
  const { id: customer } = (await made.json()) as { id: string };
  await onestep('credits', 'grant', '7', '--account', customer, '--reference', 'invoice-2');
  const ledger = await onestep('credits', 'ledger', '--account', customer);
  expect(ledger.map(({ amount }: { amount: number }) => amount)).toEqual([7_000_000]);
  const disabled = await onestep('accounts', 'disable', customer);
  expect(disabled).toMatchObject({ id: customer, disabled_at: expect.any(String) });
  expect(await onestep('accounts', 'enable', customer)).toMatchObject({ disabled_at: null });
  for (const command of ['balance', 'ledger']) {
    await expect(onestep('credits', command, '--account', 'nobody')).rejects.toThrow(/no account/);
  }
  expect(await server.end('SIGTERM')).toBe(0);

  await onestep('credits', 'grant', '2.5', '--reference', 'invoice-1');
  const account = (await onestep('credits', 'balance')).find(
    ({ id }: { id: string }) => id !== customer,
  );
  expect(account).toMatchObject({ balance: 12_500_000, held: 0 });
  const labels = (await onestep('keys', 'list')).map(({ label }: { label: string }) => label);
  expect(labels.filter((label: string) => label === 'shop')).toHaveLength(2);
});

test('a client’s key in the environment does not keep the operator out', async () => {
  const publicUrl = 'https://images.example.com/made';
  const server = await startServer({ data, env: { ONESTEP_PUBLIC_URL: `${publicUrl}/` } });
  const asClient = { ONESTEP_KEY: server.key };
  const here = ['--data', data];
  expect(await documentOf(['top', ...here], asClient)).toMatchObject({ waiting: 0 });
  const { url } = await documentOf(['open', ...here], { ...asClient, ONESTEP_URL: server.url });
  expect(url).toContain(`${publicUrl}/session/`);
  // A key that was named is the one that is meant.
  await expect(documentOf(['open', ...here, '--key', server.key])).rejects.toThrow(/admin key/);
  const elsewhereAsClient = documentOf(['open', '--url', server.url], asClient);
  await expect(elsewhereAsClient).rejects.toThrow(/admin key/);
  await server.end('SIGTERM');
});

test('the ledger is listed to its first entry, however many pages it has', async () => {
  const server = await startServer();
  const made = await server.send('/v1/accounts', { json: { name: 'busy' }, admin: true });
  const { id: account } = (await made.json()) as { id: string };
  const grant = async (reference: string) => {
    const json = { account, amount: 1, reference };
    expect((await server.send('/v1/credits', { json, admin: true })).status).toBe(201);
  };
  await grant('the first');
  await Promise.all(Array.from({ length: 1000 }, (_, i) => grant(`grant-${i}`)));
  const { data: folder } = server;
  const entries = await documentOf(['credits', 'ledger', '--account', account, '--data', folder]);
  expect(entries).toHaveLength(1001);
  expect(entries.at(-1).reference).toBe('the first');
  await server.end('SIGTERM');
  removeFolder(folder);
}, 60_000);

test('every command reaches a server that was started elsewhere, by its URL and a key', async () => {
  const server = await startServer({ data });
  process.chdir(elsewhere);
  const asAdmin = { ONESTEP_KEY: server.admin_key };
  const url = ['--url', `${server.url}/`];

  const before = await documentOf(['keys', 'list', ...url], asAdmin);
  const issued = await documentOf(
    ['keys', 'create', '--label', 'far', '--rate', '7', ...url],
    asAdmin,
  );
  expect(issued).toMatchObject({ label: 'far', rate_per_minute: 7 });
  const all = { ...asAdmin, ONESTEP_URL: server.url };
  const after = await documentOf(['keys', 'list'], all);
  expect(after.map(({ id }: { id: string }) => id)).toContain(issued.id);
  expect(after).toHaveLength(before.length + 1);

  const grant = ['credits', 'grant', '1.25', '--reference', 'far-1', '--expires', '2999-01-31'];
  expect(await documentOf([...grant, ...url], asAdmin)).toMatchObject({
    amount: 1_250_000,
    reference: 'far-1',
    expires_at: '2999-01-31T00:00:00.000Z',
  });
  const [account] = await documentOf(['credits', 'balance'], all);
  const made = await server.send('/v1/predictions', {
    json: { input: { prompt: 'a boat at sea', seed: 1 } },
    headers: { prefer: 'wait=55' },
  });
  const { id, cost } = (await made.json()) as { id: string; cost: number };
  const [spent] = await documentOf(['credits', 'balance'], all);
  expect(account.balance - spent.balance).toBe(cost);

  // A key that may only read is enough to look.
  const asReader = { ONESTEP_KEY: issued.key };
  expect(await documentOf(['usage', '--by', 'model', ...url], asReader)).toMatchObject({
    by: ['model'],
    total: { images: 1, amount: cost },
  });
  const [latest] = await documentOf(['logs', '-n', '1', ...url], asReader);
  expect(latest).toMatchObject({ id, status: 'succeeded' });
  expect(await documentOf(['logs', id, ...url], asReader)).toMatchObject({ id, cost });
  expect(await documentOf(['top', ...url], asAdmin)).toMatchObject({ waiting: 0 });
  const { checks } = await documentOf(['smoke', ...url], { ONESTEP_KEY: server.key });
  expect(checks.map(({ check }: { check: string }) => check)).toEqual([
    'health',
    'no key',
    'API key',
    'first image',
    'second image',
    'usage',
  ]);

  await expect(documentOf(['keys', 'list', ...url], asReader)).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/"admin" scope.*ONESTEP_KEY\.\n$/),
  });
  await expect(documentOf(['usage', ...url], {})).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining('needs an API key: set ONESTEP_KEY'),
  });
  expect(await server.end('SIGTERM')).toBe(0);
  await expect(documentOf(['keys', 'list', ...url], asAdmin)).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^onestep: http:\/\/127\.0\.0\.1:\d+ cannot be reached: .*\n$/),
  });
});
