import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { ROOT } from '#test/helpers/root.ts';
import { removeFolder, startServer, temporaryFolder } from '#test/helpers/server-process.ts';

const data = temporaryFolder();
afterAll(() => removeFolder(data));

const onestep = async (...words: readonly string[]) => {
  const all = ['functions/cli/launch.mjs', ...words, '--data', data, '--json'];
  const env = { ...process.env, ONESTEP_SKIP_INSTALL: '1' };
  const { stdout } = await promisify(execFile)(process.execPath, all, { cwd: ROOT, env });
  return JSON.parse(stdout);
};

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
