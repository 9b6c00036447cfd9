import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

type Fault = (response: ServerResponse) => void;

/** Ways in which a time stamp authority gives no time stamp. */
export const AUTHORITY_FAULTS = {
  'never answers': () => undefined,
  'answers too late': (response) => {
    setTimeout(() => response.end(Buffer.from('300730030201003000', 'hex')), 12_000).unref();
  },
  'never ends its answer': (response) => {
    // SEQUENCE, of a length that is far away.
    response.write(Buffer.from('30827fff', 'hex'));
    const drip = setInterval(() => response.write(Buffer.of(0)), 50);
    response.on('close', () => clearInterval(drip));
  },
  'answers without end': (response) => {
    const part = Buffer.alloc(2 ** 16);
    const pour = () => {
      while (response.write(part)) if (response.destroyed) return;
      response.once('drain', pour);
    };
    pour();
  },
  'answers with a failure': (response) => response.writeHead(500).end(),
  'answers with a page': (response) => response.end('<!doctype html><title>Sign in</title>'),
  'answers with nothing': (response) => response.end(),
  // TimeStampResp with the status `rejection`.
  refuses: (response) => response.end(Buffer.from('30053003020102', 'hex')),
  // A status and a SEQUENCE, which is no token.
  'stamps something else': (response) => response.end(Buffer.from('300730030201003000', 'hex')),
  // A GET, which is what would follow, would not bring a query.
  'sends elsewhere': (response) => response.writeHead(302, { location: '/elsewhere' }).end(),
  'sends elsewhere with the query': (response) =>
    response.writeHead(307, { location: '/elsewhere' }).end(),
  'breaks off': (response) => response.destroy(),
} as const satisfies Record<string, Fault>;

export type AuthorityFault = keyof typeof AUTHORITY_FAULTS;

/** An authority that gives no time stamp, in the way that its address names. */
export interface FailingAuthority {
  urlOf(fault: AuthorityFault): string;
  /** When it was first asked at an address, by `performance.now`; undefined where it never was. */
  askedAt(address: string): number | undefined;
  close(): void;
}

export async function startFailingAuthority(): Promise<FailingAuthority> {
  const asked = new Map<string, number>();
  const server = createServer((request, response) => {
    const fault = decodeURIComponent((request.url ?? '').slice(1));
    if (!asked.has(fault)) asked.set(fault, performance.now());
    request.resume();
    const answer: Fault | undefined = AUTHORITY_FAULTS[fault as AuthorityFault];
    if (answer === undefined) response.writeHead(404).end();
    else answer(response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    urlOf: (fault) => `http://127.0.0.1:${port}/${encodeURIComponent(fault)}`,
    askedAt: (address) => asked.get(address),
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
