import { BlockList, isIP } from 'node:net';

/** Reads what a reverse proxy says of the request that it got. */
export type OriginReader = (headers: Headers, peer: string | undefined) => string | undefined;

const HOST = /^(?:[a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i;
const PREFIX = /^(?:\/[\w.~-]+)+$/;
/** One name and value of `Forwarded` (RFC 7239), the value as a token or quoted. */
const PAIR = /(\w+)=(?:"([^"]*)"|([^;,\s]*))/g;

/**
 * Where clients reach this server, by a proxy's headers: `X-Forwarded-Proto`, `-Host` and `-Prefix`, or
 * `Forwarded`. They count from this machine and from the addresses that are listed, since anybody may send
 * them; from elsewhere they are told of once.
 *
 * @param trusted addresses or networks, such as `172.17.0.0/16`
 */
export function createOriginReader(
  trusted: readonly string[],
  onIgnored: (peer: string) => void,
): OriginReader {
  const proxies = createProxyList(trusted);
  let isTold = false;

  return (headers, peer) => {
    const said = saidBy(headers);
    if (said === undefined) return undefined;
    if (peer === undefined || !proxies.check(peer, isIP(peer) === 6 ? 'ipv6' : 'ipv4')) {
      if (!isTold && peer !== undefined) onIgnored(peer);
      isTold = true;
      return undefined;
    }
    const { proto, prefix } = said;
    const host = said.host ?? headers.get('host') ?? '';
    if (!/^https?$/.test(proto) || !HOST.test(host)) return undefined;
    return `${proto}://${host}${PREFIX.test(prefix) ? prefix : ''}`;
  };
}

/** This machine's own proxies, and those of the networks. */
export function createProxyList(trusted: readonly string[]): BlockList {
  const proxies = new BlockList();
  for (const network of ['127.0.0.0/8', '::1', ...trusted]) addNetwork(proxies, network);
  return proxies;
}

/** Whether a setting names an address or a network. */
export function isNetwork(text: string): boolean {
  try {
    addNetwork(new BlockList(), text);
    return true;
  } catch {
    return false;
  }
}

function addNetwork(list: BlockList, network: string): void {
  const [address = '', bits] = network.split('/');
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
  if (bits === undefined) list.addAddress(address, family);
  else list.addSubnet(address, Number(bits), family);
}

interface Said {
  readonly proto: string;
  readonly host: string | undefined;
  readonly prefix: string;
}

const HEADERS = ['forwarded', 'x-forwarded-proto', 'x-forwarded-host', 'x-forwarded-prefix'];

/** The first of several values is the proxy's that the client talked to. */
function saidBy(headers: Headers): Said | undefined {
  // Without a proxy, none: looking for them is all that a request should cost.
  if (!HEADERS.some((name) => headers.get(name) !== null)) return undefined;
  const first = (name: string) => headers.get(name)?.split(',')[0]?.trim() || undefined;
  const standard = Object.fromEntries(
    [...(headers.get('forwarded')?.split(',')[0] ?? '').matchAll(PAIR)].map(
      ([, name = '', quoted, token]) => [name.toLowerCase(), quoted ?? token ?? ''],
    ),
  );
  const proto = first('x-forwarded-proto') ?? standard['proto'];
  const host = first('x-forwarded-host') ?? standard['host'];
  const prefix = first('x-forwarded-prefix');
  if (proto === undefined && host === undefined && prefix === undefined) return undefined;
  return {
    proto: proto?.toLowerCase() ?? 'http',
    host: host && withPort(host, first('x-forwarded-port')),
    prefix: prefix?.replace(/\/+$/, '') ?? '',
  };
}

const withPort = (host: string, port: string | undefined): string =>
  port === undefined || port === '80' || port === '443' || /:\d+$/.test(host)
    ? host
    : `${host}:${port}`;
