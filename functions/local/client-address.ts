import { isIP } from 'node:net';
import { networkOf } from '#shared/core/network-of.ts';
import { createProxyList } from './proxy-origin.ts';

/** Reads which network a request comes from. */
export type ClientAddressReader = (
  headers: Headers,
  peer: string | undefined,
) => string | undefined;

/**
 * Which network a request comes from: the peer's, or where that is a proxy of the list or this machine,
 * the last that `X-Forwarded-For` names before the proxies. What stands before that anybody may write.
 */
export function createClientAddressReader(trusted: readonly string[]): ClientAddressReader {
  const proxies = createProxyList(trusted);
  const isProxy = (address: string) => {
    const family = isIP(address);
    return family !== 0 && proxies.check(address, family === 6 ? 'ipv6' : 'ipv4');
  };
  return (headers, peer) => {
    if (peer === undefined) return undefined;
    const hops = (headers.get('x-forwarded-for') ?? '').split(',').map((hop) => hop.trim());
    const chain = [...hops.filter((hop) => isIP(hop) !== 0), peer];
    const client = chain.findLast((address) => !isProxy(address));
    return networkOf(client ?? chain[0] ?? peer);
  };
}
