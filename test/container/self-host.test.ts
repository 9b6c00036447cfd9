import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { blocksOf } from '#test/helpers/doc-blocks.ts';
import { blocksRunBy } from '#test/helpers/doc-claims.ts';
import { installDebian } from '#test/helpers/install-debian.ts';
import { type Machine, startMachine } from '#test/helpers/machine.ts';
import { packProject, repackAs } from '#test/helpers/packed-project.ts';
import { removeFolder, startServer, temporaryFolder } from '#test/helpers/server-process.ts';

/**
 * docs/self-host.md followed to the letter on a machine of its own: its commands as printed, its unit
 * under systemd, its server block in nginx, its backups while orders come in. What the reader brings is
 * the test's: the packages, a certificate for images.example.com, and the name itself, in /etc/hosts.
 */
const HOST = 'images.example.com';
const URL_OF_SERVICE = `https://${HOST}`;
const CERTIFICATES = `/etc/letsencrypt/live/${HOST}`;
const DATA = '/var/lib/onestep/data';
const BACKUP = '/var/backups/onestep/2027-01-31';
const UNIT = '/etc/systemd/system/onestep.service';

const page = blocksOf('docs/self-host.md');
const blocks = blocksRunBy(import.meta.filename);
const ran = new Set<string>();
/** The page's shell block that has these words. */
function block(words: string): string {
  const found = blocks.filter(({ code }) => code.includes(words));
  expect(found, words).toHaveLength(1);
  const code = found[0]?.code ?? '';
  ran.add(code);
  return code;
}
/** The page's block of settings that has these words. */
const settings = (words: string) => page.find(({ code }) => code.includes(words))?.code ?? '';

let work: string;
let machine: Machine;

beforeAll(async () => {
  await installDebian({ nginx: 'nginx-light', openssl: 'openssl' });
  work = temporaryFolder();
  const name = packProject(work, work);
  repackAs('0.2.0', join(work, name), work);
  machine = await startMachine(HOST);
  for (const file of readdirSync(work).filter((one) => one.endsWith('.tgz'))) {
    cpSync(join(work, file), inMachine(`/root/${file}`));
  }
}, 300_000);
afterAll(async () => {
  await machine?.stop();
  removeFolder(work);
}, 60_000);

const inMachine = (path: string) => join(machine.root, path);
const write = (path: string, text: string) => writeFileSync(inMachine(path), text);

async function until(happened: () => Promise<boolean>, timeoutMs = 60_000): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!(await happened().catch(() => false))) {
    if (Date.now() > end) throw new Error(`Not within ${timeoutMs} ms: ${await journal()}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const journal = () => machine.run('sudo journalctl -u onestep --no-pager');
const property = async (name: string) =>
  (await machine.run(`systemctl show onestep --property ${name} --value`)).trim();

const keys = (): { key: string; admin_key: string } =>
  JSON.parse(readFileSync(inMachine(`${DATA}/keys.json`), 'utf8'));

/** A request as a client makes it: by name, over nginx, with the certificate checked. */
function curl(path: string, key: string, body?: object): Promise<string> {
  const json = body && `--json '${JSON.stringify(body)}' -H 'prefer: wait=30'`;
  const url = new URL(path, URL_OF_SERVICE);
  return machine.run(
    `curl -sS --fail-with-body --cacert ${CERTIFICATES}/fullchain.pem \
      -H 'authorization: Bearer ${key}' ${json ?? ''} '${url}'`,
  );
}

const untilReady = () => until(async () => (await curl('/healthz', '')) !== '');

const picture = (): Promise<string> =>
  curl('/v1/models/onestep/demo/predictions', keys().key, {
    input: { prompt: 'a red house', width: 64, height: 64 },
  });

/** Orders one small picture after the other until told to stop; an outage is waited for. */
function orderInALoop(): () => Promise<number> {
  let going = true;
  let made = 0;
  const loop = async () => {
    while (going) {
      const answer = await picture().catch(() => undefined);
      if (answer !== undefined) made += 1;
      else await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return made;
  };
  const ended = loop();
  return () => {
    going = false;
    return ended;
  };
}

type Get = <T>(path: string) => Promise<T>;
const fromMachine: Get = async (path) => JSON.parse(await curl(path, keys().admin_key));

interface Entry {
  readonly id: string;
  readonly [part: string]: unknown;
}

/** Every ledger entry of a running server, oldest first. */
async function ledgerOf(get: Get): Promise<readonly Entry[]> {
  const entries: Entry[] = [];
  let path: string | undefined = '/v1/ledger?limit=100';
  while (path !== undefined) {
    const part: { results: Entry[]; next?: string | null } = await get(path);
    entries.push(...part.results);
    path = part.next ? new URL(part.next).pathname + new URL(part.next).search : undefined;
  }
  return entries.reverse();
}

/** A server here, on a copy of the machine's backup. */
async function startElsewhere() {
  const data = join(work, `elsewhere-${Date.now()}`);
  cpSync(inMachine(BACKUP), data, { recursive: true });
  const server = await startServer({ data });
  const get: Get = async <T>(path: string) => {
    const answer = await server.send(path, { admin: true });
    expect(answer.status, path).toBe(200);
    return (await answer.json()) as T;
  };
  return { get, server };
}

const untilAtRest = () =>
  until(async () => (await fromMachine<{ held: number }>('/v1/account')).held === 0);

test('the package is installed for a user of its own', async () => {
  await machine.run(block('useradd'), 'outer');
  expect(await machine.run('stat -c %U /var/lib/onestep /opt/onestep')).toBe('onestep\nroot\n');
});

test('the unit keeps it running, as a user that can do little', async () => {
  write(UNIT, settings('[Service]'));
  const faults = await machine.run(`systemd-analyze verify ${UNIT} 2>&1`);
  expect(faults).toBe('');
  await machine.run(block('enable --now'));
  await until(async () => (await journal()).includes('API key'));
  expect(await property('UnitFileState')).toBe('enabled');
  // However often it fails at once, as with a port that is taken for a while.
  expect(await property('StartLimitIntervalUSec')).toBe('0');
  const pid = await property('MainPID');
  expect(await machine.run(`ps -o user= -p ${pid}`)).toBe('onestep\n');
  expect(await machine.run(`grep NoNewPrivs /proc/${pid}/status`)).toMatch(/1$/m);
  const inside = `nsenter --target ${pid} --mount`;
  await expect(machine.run(`${inside} touch /usr/x`)).rejects.toThrow(/Read-only file system/);
  await machine.run('touch /tmp/of-others');
  expect(await machine.run(`${inside} ls -A /tmp`)).not.toContain('of-others');
  await expect(machine.run(`sudo -u nobody cat ${DATA}/keys.json`)).rejects.toThrow(/denied/);
});

test('nginx gives clients its address, and pictures', async () => {
  await machine.run(`mkdir -p ${CERTIFICATES} && cd ${CERTIFICATES} && openssl req -x509 -nodes \
    -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -days 2 -subj /CN=${HOST} \
    -addext subjectAltName=DNS:${HOST} -keyout privkey.pem -out fullchain.pem 2>&1`);
  write('/etc/nginx/conf.d/onestep.conf', settings('proxy_pass'));
  await machine.run(block('nginx -t'));
  await untilReady();
  const { output } = JSON.parse(await picture()) as { output: string[] };
  expect(output[0]).toMatch(new RegExp(`^${URL_OF_SERVICE}/`));
  expect(await curl(output[0] ?? '', keys().key)).toContain('PNG');
});

test('a server that is killed under load is back, and everything settles', async () => {
  const stop = orderInALoop();
  await until(async () => (await ledgerOf(fromMachine)).length > 5);
  await machine.run('systemctl kill --signal KILL onestep');
  await until(async () => (await property('NRestarts')) === '1');
  await untilReady();
  expect(await stop()).toBeGreaterThan(0);
  await untilAtRest();
  // The keys were printed by the first of the two starts alone: the key twice, the admin key once.
  expect((await journal()).match(/os_live_\w+/g)).toHaveLength(3);
}, 120_000);

test('a backup under load, started elsewhere, is one moment of the ledger', async () => {
  const stop = orderInALoop();
  const before = (await ledgerOf(fromMachine)).length;
  await until(async () => (await ledgerOf(fromMachine)).length > before + 2);
  await machine.run(block('install -d'));
  await stop();
  expect(readdirSync(inMachine(BACKUP))).not.toContain('models');
  const live = await ledgerOf(fromMachine);
  const { get, server } = await startElsewhere();
  try {
    const entries = await ledgerOf(get);
    expect(entries.length).toBeGreaterThan(before);
    expect(entries).toEqual(live.slice(0, entries.length));
  } finally {
    await server.end('SIGTERM');
  }
}, 120_000);

test('a backup is never written over', async () => {
  await expect(machine.run(block('install -d'))).rejects.toThrow(/is there already/);
});

test('a backup at rest has the same ledger and balance, keys and pictures', async () => {
  await untilAtRest();
  await machine.run(`rm -r ${BACKUP}\n${block('install -d')}`);
  const { get, server } = await startElsewhere();
  try {
    expect(server.key).toBe(keys().key);
    expect(await ledgerOf(get)).toEqual(await ledgerOf(fromMachine));
    expect(await get('/v1/account')).toEqual(await fromMachine('/v1/account'));
    const { results } = await get<{ results: { output: string[] }[] }>('/v1/predictions?limit=1');
    const answer = await fetch(results[0]?.output[0] ?? '');
    expect(answer.headers.get('content-type')).toBe('image/png');
  } finally {
    await server.end('SIGTERM');
  }
}, 120_000);

test('the restore puts the ledger back to that of the backup', async () => {
  const before = await ledgerOf(fromMachine);
  await picture();
  await untilAtRest();
  expect((await ledgerOf(fromMachine)).length).toBeGreaterThan(before.length);
  await machine.run(block('data.old'));
  await untilReady();
  expect(await ledgerOf(fromMachine)).toEqual(before);
  await picture();
  expect(readdirSync(inMachine('/var/lib/onestep')).join()).toMatch(/data\.old-\d{4}-\d\d-\d\d-/);
}, 120_000);

/** Keeps what it is sent. It can't show that a collector understands the spans. */
const COLLECTOR = `
  const { appendFileSync } = require('node:fs');
  require('node:http').createServer(async (request, response) => {
    for await (const part of request) appendFileSync('/root/spans', part);
    response.setHeader('content-type', 'application/json').end('{}');
  }).listen(4318, 'localhost');
`;

test('traces go to a collector once the packages and the two lines are there', async () => {
  await machine.run(block('@opentelemetry'), 'outer');
  write(UNIT, settings('[Service]').replace('[Service]\n', `$&${settings('OTEL_')}`));
  write('/root/collector.cjs', COLLECTOR);
  await machine.run('systemd-run --quiet --unit collector node /root/collector.cjs');
  await machine.run('systemctl daemon-reload && systemctl restart onestep');
  await untilReady();
  await picture();
  // What waits is sent at the end.
  await machine.run('systemctl restart onestep');
  const spans = readFileSync(inMachine('/root/spans'), 'utf8');
  expect(spans).toMatch(/"service\.name".*"onestep".*"prediction"/s);
  await untilReady();
}, 120_000);

test('an upgrade keeps everything, the traces’ packages too, and runs the new version', async () => {
  const before = await ledgerOf(fromMachine);
  const pid = await property('MainPID');
  await machine.run(block('onestep-0.2.0.tgz'), 'outer');
  await untilReady();
  expect(await property('MainPID')).not.toBe(pid);
  const version = `${await machine.run('cat /opt/onestep/node_modules/onestep/package.json')}`;
  expect(JSON.parse(version)).toMatchObject({ version: '0.2.0' });
  expect(await ledgerOf(fromMachine)).toEqual(before);
  await picture();
  expect(await property('NRestarts')).toBe('0');
}, 120_000);

test('every command of the page was run', () => {
  expect(blocks.filter(({ code }) => !ran.has(code)).map(({ line }) => line)).toEqual([]);
});
