import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, relative } from 'node:path';

/** How a file's transfers go wrong, each in its turn: the first entry for the first request, … */
export type Fault =
  | { readonly kind: 'drop'; readonly afterBytes: number }
  | { readonly kind: 'stall'; readonly afterBytes: number }
  | { readonly kind: 'status'; readonly status: number }
  | { readonly kind: 'ignore-range' }
  | { readonly kind: 'content-range'; readonly value: string }
  | { readonly kind: 'surplus'; readonly bytes: number }
  | { readonly kind: 'short'; readonly bytes: number }
  | { readonly kind: 'slow'; readonly bytesPerSecond: number };

export interface StandInFile {
  readonly content: Uint8Array;
  /** Kept in large-file storage: on another host, behind a redirect, with a SHA-256. */
  readonly large?: boolean;
  /** What the listing says in place of the truth. */
  readonly listedBytes?: number;
  readonly listedDigest?: string;
  readonly faults?: readonly Fault[];
}

/** The files of a folder, weights in large-file storage. */
export function standInFiles(folder: string): Record<string, StandInFile> {
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(
    paths.map((path) => {
      const content = new Uint8Array(readFileSync(path));
      return [relative(folder, path), { content, large: path.endsWith('.safetensors') }];
    }),
  );
}

export interface StandInRepository {
  readonly files: Readonly<Record<string, StandInFile>>;
  readonly card?: Readonly<Record<string, string>>;
  /** Only for those who bring this token. */
  readonly token?: string;
  /** How many questions about it stay without an answer. */
  readonly silences?: number;
}

export interface SeenRequest {
  readonly host: 'hub' | 'storage';
  readonly path: string;
  readonly range: string | undefined;
  readonly authorization: string | undefined;
}

export interface HubStandIn {
  readonly url: string;
  readonly requests: SeenRequest[];
  close(): Promise<void>;
}

export const COMMIT = 'c0ffee0000000000000000000000000000000000';
const PAGE_ENTRIES = 3;

/** A hub of two hosts on this machine, with the faults that a test asks for. */
export async function startHub(
  repositories: Readonly<Record<string, StandInRepository>>,
): Promise<HubStandIn> {
  const requests: SeenRequest[] = [];
  const faults = new Map<StandInFile, Fault[]>();
  const nextFault = (file: StandInFile) => {
    const left = faults.get(file) ?? [...(file.faults ?? [])];
    faults.set(file, left);
    return left.shift();
  };
  const find = (path: string) => {
    const [, owner, name, ...rest] = path.split('/').map(decodeURIComponent);
    const repository = repositories[`${owner}/${name}`];
    const file = rest.slice(2).join('/');
    return { repository, file: repository?.files[file] };
  };
  const note = (host: 'hub' | 'storage', { url = '', headers }: IncomingMessage) => {
    const { range, authorization } = headers;
    requests.push({ host, path: url.split('?')[0] ?? '', range, authorization });
  };
  const storage = await listen((request, response) => {
    note('storage', request);
    const { file } = find(request.url ?? '');
    if (file === undefined) return answer(response, 404);
    sendFile(request, response, file, nextFault(file));
  });
  const hub = await listen((request, response) => {
    note('hub', request);
    const url = new URL(request.url ?? '/', 'http://hub');
    const [, api, models, owner, name, verb] = url.pathname.split('/');
    const isApi = api === 'api' && models === 'models';
    const { repository, file } = isApi
      ? { repository: repositories[`${owner}/${name}`], file: undefined }
      : find(url.pathname);
    if (repository === undefined) return answer(response, 404);
    const { token, silences = 0 } = repository;
    if (isApi && requests.filter(({ path }) => path.startsWith('/api/')).length <= silences) return;
    if (token !== undefined && request.headers.authorization !== `Bearer ${token}`) {
      return answer(response, 401);
    }
    if (isApi && verb === 'tree') return sendTree(response, repository, url);
    if (isApi) return sendJson(response, modelInfo(`${owner}/${name}`, repository));
    if (file === undefined) return answer(response, 404);
    if (file.large !== true) return sendFile(request, response, file, nextFault(file));
    response.writeHead(302, { location: `${addressOf(storage)}${url.pathname}` }).end();
  });
  return {
    url: addressOf(hub),
    requests,
    async close() {
      for (const server of [hub, storage]) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    },
  };
}

async function listen(
  handle: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<Server> {
  const server = createServer(handle);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

const addressOf = (server: Server): string =>
  `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

function modelInfo(name: string, repository: StandInRepository): unknown {
  return {
    _id: '1',
    id: name,
    sha: COMMIT,
    private: false,
    gated: repository.token === undefined ? false : 'auto',
    downloads: 1,
    likes: 1,
    lastModified: '2026-01-01T00:00:00.000Z',
    cardData: repository.card ?? {},
  };
}

/** The listing, a few entries at a time, as the hub pages it. */
function sendTree(response: ServerResponse, { files }: StandInRepository, url: URL): void {
  const start = Number(url.searchParams.get('cursor') ?? 0);
  const entries = Object.entries(files).slice(start, start + PAGE_ENTRIES);
  const next = start + PAGE_ENTRIES;
  if (next < Object.keys(files).length) {
    url.searchParams.set('cursor', String(next));
    const origin = `http://${response.req.headers.host}`;
    response.setHeader('link', `<${origin}${url.pathname}${url.search}>; rel="next"`);
  }
  sendJson(
    response,
    entries.map(([path, file]) => {
      const size = file.listedBytes ?? file.content.length;
      const digest = file.listedDigest ?? digestOf(file);
      return file.large === true
        ? { type: 'file', path, size, oid: 'f'.repeat(40), lfs: { oid: digest, size } }
        : { type: 'file', path, size, oid: digest };
    }),
  );
}

function digestOf({ content, large }: StandInFile): string {
  return large === true
    ? createHash('sha256').update(content).digest('hex')
    : createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');
}

function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  { content }: StandInFile,
  fault: Fault | undefined,
): void {
  if (fault?.kind === 'status') {
    answer(response, fault.status);
    return;
  }
  const [, from = '0', to = ''] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
  const whole = fault?.kind === 'ignore-range' || request.headers.range === undefined;
  const start = whole ? 0 : Number(from);
  const end = whole || to === '' ? content.length - 1 : Math.min(Number(to), content.length - 1);
  if (start >= content.length) {
    answer(response, 416);
    return;
  }
  const body = bodyOf(content.subarray(start, end + 1), fault);
  const range = `bytes ${start}-${end}/${content.length}`;
  const truthful = fault === undefined || fault.kind === 'drop' || fault.kind === 'stall';
  response.writeHead(whole ? 200 : 206, {
    ...(truthful ? { 'content-length': end + 1 - start } : {}),
    ...(whole ? {} : { 'content-range': fault?.kind === 'content-range' ? fault.value : range }),
  });
  if (fault?.kind === 'slow') {
    trickle(response, body, fault.bytesPerSecond);
    return;
  }
  if (fault?.kind === 'drop') {
    // The bytes must be on their way before the connection ends.
    response.write(body, () => setTimeout(() => response.destroy(), 20));
    return;
  }
  if (fault?.kind === 'stall') {
    response.write(body);
    return;
  }
  response.end(body);
}

function bodyOf(content: Uint8Array, fault: Fault | undefined): Uint8Array {
  if (fault?.kind === 'drop' || fault?.kind === 'stall') {
    return content.subarray(0, fault.afterBytes);
  }
  if (fault?.kind === 'short') return content.subarray(0, content.length - fault.bytes);
  return fault?.kind === 'surplus'
    ? Buffer.concat([content, new Uint8Array(fault.bytes)])
    : content;
}

function trickle(response: ServerResponse, body: Uint8Array, bytesPerSecond: number): void {
  const piece = Math.ceil(bytesPerSecond / 50);
  let sent = 0;
  const timer = setInterval(() => {
    if (sent >= body.length) {
      clearInterval(timer);
      response.end();
      return;
    }
    response.write(body.subarray(sent, sent + piece));
    sent += piece;
  }, 20);
  response.on('close', () => clearInterval(timer));
}

function sendJson(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

function answer(response: ServerResponse, status: number): void {
  response.writeHead(status).end();
}
