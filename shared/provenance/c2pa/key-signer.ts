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

function readChain(pem: string): X509Certificate[] {
  return readPem('c2pa.chain', () =>
    [...pem.matchAll(CERTIFICATE)].map(([one]) => new X509Certificate(one)),
  );
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
  const chain = readChain(chainPem);
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

/**
 * A chain's certificates in DER.
 *
 * @throws AppError `invalid-request` for what is no PEM
 */
export const chainInDer = (pem: string): Uint8Array[] => readChain(pem).map(({ raw }) => raw);

const DAY_MS = 24 * 3_600_000;
/** Time enough to get another certificate. */
const NOTICE_DAYS = 30;

/**
 * What is wrong, or soon will be, with the time that a chain's certificates are valid.
 *
 * @param chain certificates in DER, as a signer has them
 * @returns undefined where all of them are valid for a while yet
 */
export function validityProblem(chain: readonly Uint8Array[], now: number): string | undefined {
  const notValid = (what: string) =>
    `c2pa.chain: a certificate ${what}. Readers call images invalid that are signed outside its time; bring a new one.`;
  for (const { validFrom, validTo } of chain.map((der) => new X509Certificate(der))) {
    const [from, to] = [Date.parse(validFrom), Date.parse(validTo)];
    if (now < from) return notValid(`is valid from ${validFrom} only`);
    if (now >= to) return notValid(`expired on ${validTo}`);
    if (now >= to - NOTICE_DAYS * DAY_MS) return notValid(`expires on ${validTo}`);
  }
  return undefined;
}

function readPem<T>(setting: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    const problem = `${setting}: this is no PEM, or it needs a passphrase: ${(cause as Error).message}`;
    throw new AppError('invalid-request', problem, { cause });
  }
}
