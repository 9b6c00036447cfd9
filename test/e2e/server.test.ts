import { execFileSync, spawn } from 'node:child_process';
import { cpSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROOT } from '#test/helpers/root.ts';
import { runOnestep } from '#test/helpers/run-cli.ts';
import {
  type ReadyLine,
  type RunningServer,
  removeFolder,
  spawnServer,
  startServer,
  temporaryFolder,
} from '#test/helpers/server-process.ts';

const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

const untilDead = async (pid: number, timeoutMs = 20_000) => {
  const until = Date.now() + timeoutMs;
  while (isAlive(pid) && Date.now() < until) await new Promise((r) => setTimeout(r, 50));
  return !isAlive(pid);
};

/** Processes of the machine whose parent this is. */
const childrenOf = (pid: number) =>
  execFileSync('ps', ['-eo', 'pid=,ppid='], { encoding: 'utf8' })
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .filter(([, parent]) => parent === pid)
    .map(([child]) => Number(child));

describe('a running server', () => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(async () => {
    await server.end('SIGKILL');
    removeFolder(server.data);
  });

  test('makes a picture in one call of curl', () => {
    const file = join(server.data, 'picture.png');
    execFileSync('curl', [
      ...['-sS', '--fail', `${server.url}/v1/images`],
      ...['-H', `Authorization: Bearer ${server.key}`],
      ...['-H', 'Content-Type: application/json', '-H', 'Accept: image/png'],
      ...['-d', '{"prompt":"a lighthouse","seed":7,"width":128,"height":128}', '-o', file],
    ]);
    const bytes = readFileSync(file);
    expect(bytes.subarray(1, 4).toString('latin1')).toBe('PNG');
  });

  test.each(['jpeg', 'webp'] as const)('answers with %s when it is asked to', async (format) => {
    const response = await server.send('/v1/images', {
      json: { prompt: 'a hill', width: 64, height: 64 },
      headers: { accept: `image/${format}` },
    });
    expect(response.headers.get('content-type')).toBe(`image/${format}`);
    const picture = await sharp(Buffer.from(await response.arrayBuffer())).metadata();
    expect(picture.format).toBe(format);
  });

  test('serves parts of a file to whoever holds its URL, and nothing without the signature', async () => {
    const created = await server.send('/v1/predictions', {
      json: { input: { prompt: 'a bird', width: 64, height: 64 } },
      headers: { prefer: 'wait' },
    });
    const { output } = (await created.json()) as { output: string[] };
    const url = String(output[0]);
    const whole = Buffer.from(await (await fetch(url)).arrayBuffer());
    const part = await fetch(url, { headers: { range: 'bytes=1-3' } });
    expect(part.status).toBe(206);
    expect(part.headers.get('content-range')).toBe(`bytes 1-3/${whole.length}`);
    expect(await part.text()).toBe('PNG');
    const last = await fetch(url, { headers: { range: 'bytes=-4' } });
    expect(Buffer.from(await last.arrayBuffer()).equals(whole.subarray(-4))).toBe(true);
    expect((await fetch(url, { headers: { range: 'bytes=999999-' } })).status).toBe(416);
    expect((await fetch(url.replace(/s=..../, 's=AAAA'))).status).toBe(403);
    expect((await fetch(url.replace(/e=\d+/, 'e=1'))).status).toBe(403);
    expect((await fetch(url.replace(/\/0\.png/, '/receipt.json'))).status).toBe(403);
    expect(part.headers.get('x-content-type-options')).toBe('nosniff');
  });

  test('keeps its keys to itself', () => {
    const path = join(server.data, 'keys.json');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({
      key: server.key,
      admin_key: server.admin_key,
    });
    expect(statSync(join(server.data, 'secrets.json')).mode & 0o777).toBe(0o600);
  });

  test('starts with demo credit and prices of at most a cent', async () => {
    const account = (await (await server.send('/v1/account')).json()) as { balance: number };
    expect(account.balance).toBeGreaterThan(9_900_000);
    const model = await (await server.send('/v1/models/onestep/demo')).json();
    const { price } = model as { price: { classes: { per_image: number }[] } };
    for (const { per_image } of price.classes) expect(per_image).toBeLessThanOrEqual(10_000);
  });

  test('is ready and well, and describes itself', async () => {
    for (const path of ['/healthz', '/readyz', '/openapi.json']) {
      expect((await fetch(`${server.url}${path}`)).status, path).toBe(200);
    }
    const page = await fetch(`${server.url}/sign-in`);
    expect(page.headers.get('content-type')).toContain('text/html');
  });

  test('a second server on the folder refuses and says why', async () => {
    const second = spawnServer({ data: server.data });
    expect(await second.exited).not.toBe(0);
    expect(second.stderr()).toContain(server.data);
    expect(second.stderr()).toContain(`pid ${server.pid}`);
  });

  test('its GPU process dies with it', async () => {
    const [gpu] = childrenOf(server.pid);
    expect(gpu).toBeDefined();
    const workers = childrenOf(Number(gpu));
    await server.end('SIGKILL');
    for (const pid of [Number(gpu), ...workers]) expect(await untilDead(pid)).toBe(true);
  });
});

describe('starting and ending', () => {
  const data = temporaryFolder();
  afterAll(() => removeFolder(data));

  test('SIGTERM ends it with 0 after its jobs, and the next start has the same keys', async () => {
    const first = await startServer({ data });
    const waiting = first.send('/v1/predictions', {
      json: { input: { prompt: 'last orders', num_outputs: 2 } },
      headers: { prefer: 'wait' },
    });
    const { id } = (await (await waiting).json()) as { id: string };
    expect(await first.end('SIGTERM')).toBe(0);
    const second = await startServer({ data });
    expect([second.key, second.admin_key]).toEqual([first.key, first.admin_key]);
    const kept = await second.send(`/v1/predictions/${id}`);
    expect(await kept.json()).toMatchObject({ status: 'succeeded' });
    expect(await second.end('SIGTERM')).toBe(0);
  });

  test('a log of the database that was damaged meanwhile is told by the first to open it', async () => {
    const data = temporaryFolder();
    const first = await startServer({ data });
    for (let i = 0; i < 3; i++) {
      const json = { label: `key ${i}`, scopes: ['read'] };
      expect((await first.send('/v1/keys', { json, admin: true })).status).toBe(201);
    }
    await first.end('SIGKILL');
    const log = join(data, 'onestep.sqlite-wal');
    const bytes = readFileSync(log);
    bytes.fill(7, bytes.length / 2, bytes.length / 2 + 100);
    writeFileSync(log, bytes);
    const copy = temporaryFolder();
    cpSync(data, copy, { recursive: true });
    const told = /The database's log was damaged, and \d+ changes at its end/;
    const second = await startServer({ data });
    expect(second.stderr()).toMatch(told);
    await second.end('SIGTERM');
    // A command that opens it first is the only one that can tell.
    const list = () => runOnestep(['keys', 'list', '--data', copy]);
    expect((await list()).stderr).toMatch(told);
    expect((await list()).stderr).toBe('');
    for (const folder of [data, copy]) removeFolder(folder);
  });

  test('it ends when npm, which launched it, is killed', async () => {
    const npm = spawn('npm', ['start', '-s', '--', '--port', '0', '--data', data, '--json'], {
      cwd: ROOT,
      env: { ...process.env, ONESTEP_SKIP_INSTALL: '1' },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [line] = await new Promise<[Buffer]>((resolve) => {
      npm.stdout.once('data', (chunk: Buffer) => resolve([chunk]));
    });
    const { pid } = JSON.parse(line.toString('utf8')) as ReadyLine;
    npm.kill('SIGKILL');
    expect(await untilDead(pid)).toBe(true);
  });

  test('a port that is taken is said, and nothing of the start is left', async () => {
    const taken = await startServer({ data });
    const other = temporaryFolder();
    const { port } = new URL(taken.url);
    const second = spawnServer({ data: other, args: ['--port', port] });
    expect(await second.exited).toBe(2);
    expect(second.stderr()).toContain(`Port ${port}`);
    await taken.end('SIGTERM');
    removeFolder(other);
  });

  test('wrong settings are all told at once', async () => {
    const server = spawnServer({
      data,
      args: ['--port', 'http'],
      env: { ONESTEP_QUEUE_LIMIT: '-1', ONESTEP_SYNCHRONOUS: 'maybe' },
    });
    expect(await server.exited).toBe(2);
    for (const name of ['port', 'ONESTEP_QUEUE_LIMIT', 'ONESTEP_SYNCHRONOUS']) {
      expect(server.stderr()).toContain(name);
    }
  });
});

describe('a request with neither a body nor its length, as curl -X sends it', () => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(async () => {
    await server.end('SIGTERM');
    removeFolder(server.data);
  });

  /** Over a bare connection: every HTTP library adds a length. */
  const send = (method: string, path: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const { hostname, port } = new URL(server.url);
      const socket = connect(Number(port), hostname, () => {
        socket.write(
          `${method} ${path} HTTP/1.1\r\nhost: ${hostname}:${port}\r\n` +
            `authorization: Bearer ${server.admin_key}\r\nconnection: close\r\n\r\n`,
        );
      });
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk;
      });
      socket.on('error', reject);
      socket.on('end', () => resolve(Number(text.split(' ')[1])));
    });

  test.each([
    ['POST', '/v1/predictions', 422],
    ['POST', '/v1/images/generations', 422],
    ['POST', '/v1/estimate', 422],
    ['POST', '/fal/onestep/demo', 400],
    ['POST', '/mcp', 415],
    ['POST', '/v1/keys', 201],
    ['POST', '/v1/webhooks/default/secret/rotate', 201],
    ['POST', '/v1/predictions/none/cancel', 404],
    ['PATCH', '/v1/keys/none', 422],
  ])('%s %s answers %i', async (method, path, status) => {
    expect(await send(method, path)).toBe(status);
  });
});
