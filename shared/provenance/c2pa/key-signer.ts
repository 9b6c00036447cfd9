import { createPrivateKey, createPublicKey, sign, X509Certificate } from 'node:crypto';
import { AppError } from '#shared/core/errors.ts';
import type { ClaimSigner } from './cose-sign1.ts';
import { requestTimeStamp } from './time-stamp.ts';

/** A private key and the certificates that vouch for it, as PEM. */
export interface C2paIdentity {
  readonly key: string;
  /** The key's own certificate first, then the authority's. */
  readonly chain: string;
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** Certificates in DER. */
export function readChain(pem: string): X509Certificate[] {
  return [...pem.matchAll(CERTIFICATE)].map(([one]) => new X509Certificate(one));
}

/**
 * Signs with a key in memory.
 *
 * @param timeStampUrl the authority whose time stamps signatures get
 *
 * @throws AppError `invalid-request` for what is no PEM, a key that is not of P-256, or not the first
 *   certificate's
 */
export function createKeySigner(
  { key: pem, chain: chainPem }: C2paIdentity,
  timeStampUrl?: string,
): ClaimSigner {
  const key = readPem('c2pa.key', () => createPrivateKey(pem));
  const chain = readPem('c2pa.chain', () => readChain(chainPem));
  const [own] = chain;
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
    throw new AppError('invalid-request', 'c2pa.key: an EC key of the curve P-256 is needed.');
  }
  const published = createPublicKey(key).export({ format: 'der', type: 'spki' });
  if (
    own === undefined ||
    !own.publicKey.export({ format: 'der', type: 'spki' }).equals(published)
  ) {
    throw new AppError('invalid-request', "c2pa.chain: its first certificate is not the key's.");
  }
  return {
    chain: chain.map(({ raw }) => raw),
    sign: async (bytes) => sign('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' }),
    timeStamp:
      timeStampUrl === undefined ? undefined : (bytes) => requestTimeStamp(bytes, timeStampUrl),
  };
}

function readPem<T>(setting: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    const problem = `${setting}: this is no PEM, or it needs a passphrase: ${(cause as Error).message}`;
    throw new AppError('invalid-request', problem, { cause });
  }
}
