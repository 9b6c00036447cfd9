import { isIP } from 'node:net';
import { isLoopbackAddress, isPublicAddress } from './vet-address.ts';

/** Ports that a customer's URL may name; any other is likely to be an internal service. */
const ALLOWED_PORTS: readonly string[] = ['', '443', '8443'];
const MAX_URL_LENGTH = 2048;

export type UrlVerdict =
  | { readonly ok: true; readonly url: URL }
  | { readonly ok: false; readonly problem: string };

/**
 * Judges what a customer's URL says before anything is resolved: https, port 443 or 8443, no
 * credentials, and, where the host is an address (decimal, octal and hex forms become dotted in URL
 * parsing), a public one. A name passes; its addresses are vetted when the connection is made.
 *
 * @param allowLocal lets `http` and `https` URLs of this very host through, on any port
 */
export function vetUrl(text: string, allowLocal: boolean): UrlVerdict {
  if (text.length > MAX_URL_LENGTH || !URL.canParse(text)) {
    return { ok: false, problem: 'is not a URL of at most 2048 characters' };
  }
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') {
    return { ok: false, problem: 'must not carry a user name or password' };
  }
  const host = hostOf(url);
  const local = isLocalHost(host);
  if (local && allowLocal) {
    return url.protocol === 'https:' || url.protocol === 'http:'
      ? { ok: true, url }
      : { ok: false, problem: 'must begin with http:// or https://' };
  }
  if (url.protocol !== 'https:') return { ok: false, problem: 'must begin with https://' };
  if (!ALLOWED_PORTS.includes(url.port)) {
    return { ok: false, problem: 'must use port 443 or 8443' };
  }
  if (local || (isIP(host) !== 0 && !isPublicAddress(host))) {
    return { ok: false, problem: 'must name a host on the public internet' };
  }
  return { ok: true, url };
}

/** A URL's host without the brackets of an IPv6 address. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, '$1');
}

/** Whether a host is this machine by name or by address. */
export function isLocalHost(host: string): boolean {
  const name = host.toLowerCase().replace(/\.$/, '');
  return name === 'localhost' || name.endsWith('.localhost') || isLoopbackAddress(host);
}
