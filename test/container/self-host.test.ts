import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { blocksOf } from '#test/helpers/doc-blocks.ts';
import { type Nginx, startNginx } from '#test/helpers/nginx.ts';
import { freePort } from '#test/helpers/processes.ts';
import { ROOT } from '#test/helpers/root.ts';
import { removeFolder, startServer, temporaryFolder } from '#test/helpers/server-process.ts';
import { readUnit, type Supervised, supervise, type Unit } from '#test/helpers/supervisor.ts';

/**
 * docs/self-host.md followed: its unit under a supervisor that does what systemd does, its nginx with
 * TLS, its backup while orders come in. Only paths, ports and the certificate are the test's.
 */
process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
const run = promisify(execFile);
const PROGRAM = '/opt/onestep/node_modules/.bin/onestep';
const DATA = '/var/lib/onestep/data';
const blocks = blocksOf('docs/self-host.md');
const block = (language: string) => blocks.find((one) => one.language === language)?.code ?? '';

let work: string;
let data: string;
let url: string;
let nginx: Nginx;
let service: Supervised;
let unit: Unit;

const env = { ...process.env, ONESTEP_SKIP_INSTALL: '1' };
const launcher = `${process.execPath} ${join(ROOT, 'functions/cli/launch.mjs')}`;

beforeAll(async () => {
  work = temporaryFolder();
  data = join(work, 'data');
  const port = await freePort();
  const location = /location \/ \{.*?\n {2}\}/s.exec(block('nginx'))?.[0] ?? '';
  expect(location).toContain('http://127.0.0.1:8787');
  nginx = await startNginx([
    { tls: true, inside: location.replace('127.0.0.1:8787', `127.0.0.1:${port}`) },
  ]);
  url = `https://localhost:${nginx.ports[0]}`;
  const text = block('ini')
    .replace(PROGRAM, launcher)
    .replace(DATA, data)
    .replace('https://images.example.com', url);
  const read = readUnit(text);
  unit = { ...read, env: { ...read.env, ONESTEP_PORT: `${port}` } };
  service = supervise(unit, work, env);
  await untilReady();
}, 300_000);
afterAll(async () => {
  await service?.stop();
  await nginx?.stop();
  removeFolder(work);
}, 60_000);

async function untilReady(): Promise<void> {
  for (;;) {
    const answer = await fetch(`${url}/healthz`).catch(() => undefined);
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const keys = (): { key: string; admin_key: string } =>
  JSON.parse(readFileSync(join(data, 'keys.json'), 'utf8'));

async function get<T>(base: string, path: string): Promise<T> {
  const headers = { authorization: `Bearer ${keys().admin_key}` };
  const answer = await fetch(base + path, { headers });
  expect(answer.status, path).toBe(200);
  return (await answer.json()) as T;
}

/** Orders one small picture after the other until told to stop; an outage is waited for. */
function orderInALoop(): () => Promise<number> {
  let going = true;
  let made = 0;
  const loop = async () => {
    while (going) {
      const answer = await fetch(`${url}/v1/models/onestep/demo/predictions?wait=30`, {
        method: 'POST',
        headers: { authorization: `Bearer ${keys().key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ input: { prompt: 'a red house', width: 64, height: 64 } }),
      }).catch(() => undefined);
      if (answer?.ok) made += 1;
      else await new Promise((resolve) => setTimeout(resolve, 100));
      await answer?.arrayBuffer();
    }
    return made;
  };
  const ended = loop();
  return () => {
    going = false;
    return ended;
  };
}

interface Entry {
  readonly id: string;
  readonly [part: string]: unknown;
}

/** Every ledger entry of a running server, oldest first. */
async function ledgerOf(base: string): Promise<readonly Entry[]> {
  const entries: Entry[] = [];
  let path: string | undefined = '/v1/ledger?limit=100';
  while (path !== undefined) {
    const page: { results: Entry[]; next?: string | null } = await get(base, path);
    entries.push(...page.results);
    path = page.next ? new URL(page.next).pathname + new URL(page.next).search : undefined;
  }
  return entries.reverse();
}

/** The page's commands that put a backup in the place of the data, with the test's folders. */
async function restore(backup: string): Promise<void> {
  const code = blocks.find((one) => one.code.includes('data.old'))?.code ?? '';
  const lines = code.split('\n').filter((line) => /^sudo (mv|cp) /.test(line));
  expect(lines).toHaveLength(2);
  const commands = lines
    .join('\n')
    .replaceAll('sudo ', '')
    .replaceAll(/\/var\/backups\/\S+/g, backup)
    .replaceAll(DATA, data);
  await run('bash', ['-euo', 'pipefail', '-c', commands], { cwd: work });
}

/** The page's own backup command, with the test's folders. */
async function backUp(target: string): Promise<void> {
  const command = blocks
    .flatMap(({ code }) => code.split('\n'))
    .find((line) => line.includes('bin/onestep backup'));
  const line = (command ?? '')
    .replace('sudo -u onestep ', '')
    .replace(PROGRAM, launcher)
    .replace(/\/var\/backups\/\S+/, target)
    .replace(DATA, data);
  await run('bash', ['-euo', 'pipefail', '-c', line], { cwd: work, env });
}

async function ready(until: () => Promise<boolean>): Promise<void> {
  while (!(await until())) await new Promise((resolve) => setTimeout(resolve, 100));
}

test('a server that is killed under load is back, and everything settles', async () => {
  const stop = orderInALoop();
  await ready(async () => (await ledgerOf(url)).length > 5);
  const before = service.starts();
  process.kill(service.pid() ?? 0, 'SIGKILL');
  await ready(async () => service.starts() > before);
  await untilReady();
  expect(await stop()).toBeGreaterThan(0);
  expect(service.output()).toMatch(/API key .*os_live_/);
  // The keys were printed by the first of the two starts alone.
  expect(service.output().match(/os_live_\w+/g)?.length).toBe(3);
}, 120_000);

test('a backup under load, started elsewhere, is one moment of the ledger', async () => {
  const stop = orderInALoop();
  const target = join(work, 'backup-under-load');
  const before = (await ledgerOf(url)).length;
  await ready(async () => (await ledgerOf(url)).length > before + 2);
  await backUp(target);
  expect(existsSync(join(target, 'models'))).toBe(false);
  await stop();
  const live = await ledgerOf(url);
  const elsewhere = join(work, 'elsewhere');
  cpSync(target, elsewhere, { recursive: true });
  const restored = await startServer({ data: elsewhere });
  try {
    const entries = await ledgerOf(restored.url);
    expect(entries.length).toBeGreaterThan(before);
    expect(live.slice(0, entries.length).map(({ id }) => id)).toEqual(entries.map(({ id }) => id));
    expect(entries).toEqual(live.slice(0, entries.length));
  } finally {
    await restored.end('SIGTERM');
  }
}, 120_000);

test('a backup at rest has the same ledger and balance, keys and pictures', async () => {
  await ready(async () => {
    const account = await get<{ held: number }>(url, '/v1/account');
    return account.held === 0;
  });
  const target = join(work, 'backup-at-rest');
  mkdirSync(join(work, 'quiet'), { recursive: true });
  await backUp(target);
  const restored = await startServer({ data: target });
  try {
    expect(restored.key).toBe(keys().key);
    expect(await ledgerOf(restored.url)).toEqual(await ledgerOf(url));
    expect(await get(restored.url, '/v1/account')).toEqual(await get(url, '/v1/account'));
    const { results } = await get<{ results: { output: string[] }[] }>(
      restored.url,
      '/v1/predictions?limit=1',
    );
    const picture = await fetch(results[0]?.output[0] ?? '');
    expect(picture.headers.get('content-type')).toBe('image/png');
  } finally {
    await restored.end('SIGTERM');
  }
}, 120_000);

test('the page’s restore puts the ledger back to that of the backup', async () => {
  const target = join(work, 'backup-to-restore');
  await backUp(target);
  const before = await ledgerOf(url);
  const stop = orderInALoop();
  await ready(async () => (await ledgerOf(url)).length > before.length);
  await stop();
  await service.stop();
  await restore(target);
  service = supervise(unit, work, env);
  await untilReady();
  expect(await ledgerOf(url)).toEqual(before);
  expect(readdirSync(work).some((name) => name.startsWith('data.old-'))).toBe(true);
}, 120_000);

test('a backup is never written over', async () => {
  await expect(backUp(join(work, 'backup-at-rest'))).rejects.toThrow(/is there already/);
});
