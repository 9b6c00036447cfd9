import { promises as dns, type LookupAddress } from 'node:dns';
import http from 'node:http';
import https from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { isLoopbackAddress, isPublicAddress } from './vet-address.ts';
import { hostOf, isLocalHost, vetUrl } from './vet-url.ts';

const TIMEOUT_MS = 15_000;
const MAX_ANSWER_BYTES = 64 * 1024;

export interface SafeRequest {
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export type SafeFetchFailure =
  | 'refused-url'
  | 'refused-address'
  | 'unknown-host'
  | 'timeout'
  | 'tls-error'
  | 'connection-failed';

export type SafeFetchResult =
  | {
      readonly kind: 'answered';
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      /** At most the cap; what the other side sends past it is not read. */
      readonly body: Uint8Array;
    }
  | { readonly kind: 'failed'; readonly failure: SafeFetchFailure };

export type SafeFetch = (url: string, request: SafeRequest) => Promise<SafeFetchResult>;

export interface SafeFetchOptions {
  /** Lets URLs of this very host through; for development only. */
  readonly allowLocal: boolean;
  /** Resolves a name to all its addresses; the system's resolver when absent. */
  readonly resolve?: (host: string) => Promise<readonly LookupAddress[]>;
  /** Time for everything: resolving, connecting, sending and reading the answer. Default 15 s. */
  readonly timeoutMs?: number;
  readonly maxAnswerBytes?: number;
  /** Opens the request; `node:https` when absent. */
  readonly request?: typeof https.request;
}

/**
 * Requests to URLs that customers chose. Every address that the host resolves to is vetted, and the
 * connection goes to one of the vetted addresses and nowhere else, so a second answer of the name
 * server has no effect (DNS rebinding). Redirects are not followed; the caller sees their status.
 */
export function createSafeFetch(options: SafeFetchOptions): SafeFetch {
  const resolve = options.resolve ?? ((host) => dns.lookup(host, { all: true }));
  return async (text, request) => {
    const verdict = vetUrl(text, options.allowLocal);
    if (!verdict.ok) return { kind: 'failed', failure: 'refused-url' };
    const signal = AbortSignal.timeout(options.timeoutMs ?? TIMEOUT_MS);
    try {
      const addresses = await untilAborted(vettedAddresses(verdict.url, options, resolve), signal);
      if (typeof addresses === 'string') return { kind: 'failed', failure: addresses };
      return await send(verdict.url, request, addresses, signal, options);
    } catch (error) {
      return { kind: 'failed', failure: signal.aborted ? 'timeout' : failureOf(error) };
    }
  };
}

async function vettedAddresses(
  url: URL,
  options: SafeFetchOptions,
  resolve: (host: string) => Promise<readonly LookupAddress[]>,
): Promise<readonly LookupAddress[] | SafeFetchFailure> {
  const host = hostOf(url);
  const family = isIP(host);
  const addresses =
    family === 0 ? await resolve(host).catch(() => []) : [{ address: host, family }];
  if (addresses.length === 0) return 'unknown-host';
  const isAllowed = options.allowLocal && isLocalHost(host) ? isLoopbackAddress : isPublicAddress;
  return addresses.every(({ address }) => isAllowed(address)) ? addresses : 'refused-address';
}

function send(
  url: URL,
  request: SafeRequest,
  addresses: readonly LookupAddress[],
  signal: AbortSignal,
  options: SafeFetchOptions,
): Promise<SafeFetchResult> {
  const open = options.request ?? (url.protocol === 'http:' ? http.request : https.request);
  const body = Buffer.from(request.body ?? '');
  return new Promise((resolve, reject) => {
    const outgoing = open(
      url,
      {
        method: request.method,
        headers: { ...request.headers, 'content-length': String(body.length) },
        // Own agent per request: no pooled socket, no proxy from the environment.
        agent: false,
        lookup: pinnedLookup(addresses),
        signal,
      },
      (incoming) => {
        readCapped(incoming, options.maxAnswerBytes ?? MAX_ANSWER_BYTES)
          .then((bytes) =>
            resolve({
              kind: 'answered',
              status: incoming.statusCode ?? 0,
              headers: flatten(incoming.headers),
              body: bytes,
            }),
          )
          .catch(reject);
      },
    );
    outgoing.once('error', reject);
    outgoing.end(body);
  });
}

/** Answers every look-up of the socket with the vetted addresses; no name server is asked again. */
function pinnedLookup(addresses: readonly LookupAddress[]): LookupFunction {
  return (host, lookupOptions, callback) => {
    const [first] = addresses;
    if (first === undefined) callback(new Error(`${host} has no address`), '', 0);
    else if (lookupOptions.all) callback(null, [...addresses]);
    else callback(null, first.address, first.family);
  };
}

async function readCapped(incoming: http.IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= maxBytes) break;
  }
  return Buffer.concat(chunks).subarray(0, maxBytes);
}

function flatten(headers: http.IncomingHttpHeaders): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) flat[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return flat;
}

function failureOf(error: unknown): SafeFetchFailure {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return /CERT|TLS|SSL|SELF_SIGNED|ISSUER|EPROTO/.test(code) ? 'tls-error' : 'connection-failed';
}

/** The promise's result, or a rejection as soon as the signal fires (a name server may hang). */
function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    promise.then(resolve, reject);
  });
}
