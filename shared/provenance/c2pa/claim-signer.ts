import { createHash, createPrivateKey, sign, verify, X509Certificate } from 'node:crypto';
import { AppError } from '#shared/core/errors.ts';
import type { ClaimSigner } from './cose-sign1.ts';
import { CLAIM_PURPOSES } from './claim-purposes.ts';
import { derValue } from './der-value.ts';
import { requestTimeStamp } from './time-stamp.ts';

/** Certificates and the key that they vouch for: as PEM, or kept where it signs without being shown. */
export type C2paIdentity = PemIdentity | RemoteIdentity;

export interface PemIdentity {
  readonly key: string;
  /** The key's own certificate first, then the authority's. */
  readonly chain: string;
}

export interface RemoteIdentity {
  /** ECDSA over a SHA-256 digest, in DER. */
  readonly signDigest: (digest: Uint8Array) => Promise<Uint8Array>;
  readonly chain: string;
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/**
 * The certificates in a PEM file, in their order.
 *
 * @throws Error for one that can't be read
 */
export const certificatesIn = (pem: string): X509Certificate[] =>
  [...pem.matchAll(CERTIFICATE)].map(([one]) => new X509Certificate(one));

const readChain = (pem: string): X509Certificate[] =>
  readPem('c2pa.chain', () => certificatesIn(pem));

/**
 * Signs with a key in memory, or one elsewhere.
 *
 * @param timeStampUrl the authority whose time stamps signatures get
 *
 * @throws AppError `invalid-request` for what is no PEM, a key that is not of P-256, or not the first
 *   certificate's, and for certificates by which readers would call every image invalid
 */
export function createClaimSigner(identity: C2paIdentity, timeStampUrl?: string): ClaimSigner {
  const chain = readChain(identity.chain);
  const own = signingCertificate(chain);
  return {
    chain: chain.map(({ raw }) => raw),
    sign: 'key' in identity ? withPem(identity.key, own) : withRemote(identity.signDigest, own),
    timeStamp:
      timeStampUrl === undefined ? undefined : (bytes) => requestTimeStamp(bytes, timeStampUrl),
  };
}

/** The chain's first certificate, where it may sign claims and each of the others vouches for the one before. */
function signingCertificate(chain: readonly X509Certificate[]): X509Certificate {
  const [own] = chain;
  if (own === undefined) throw unusable('there is no certificate in it.');
  if (own.publicKey.asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
    throw unusable('its first certificate is not of an EC key of the curve P-256.');
  }
  if (own.ca) throw unusable("its first certificate is an authority's; the key's own comes first.");
  // Node's types know no certificate without purposes.
  const purposes: readonly string[] = own.keyUsage ?? [];
  if (!purposes.some((one) => CLAIM_PURPOSES.includes(one))) {
    throw unusable('its first certificate is not made for C2PA claims, nor for mail or documents.');
  }
  for (const [i, issuer] of chain.slice(1).entries()) {
    if (chain[i]?.checkIssued(issuer) !== true) {
      throw unusable(
        `certificate ${i + 2} in it is not of the authority that issued the one before.`,
      );
    }
  }
  return own;
}

const unusable = (problem: string): AppError =>
  new AppError('invalid-request', `c2pa.chain: ${problem}`);

const NOT_THE_KEYS = "c2pa.chain: its first certificate is not the key's.";

function withPem(pem: string, own: X509Certificate): ClaimSigner['sign'] {
  const key = readPem('c2pa.key', () => createPrivateKey(pem));
  if (!own.checkPrivateKey(key)) throw new AppError('invalid-request', NOT_THE_KEYS);
  return async (bytes) => sign('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' });
}

/** Only a signature shows which key was used, so that each is checked. */
function withRemote(
  signDigest: RemoteIdentity['signDigest'],
  own: X509Certificate,
): ClaimSigner['sign'] {
  return async (bytes) => {
    const signature = await signDigest(createHash('sha256').update(bytes).digest());
    if (verify('sha256', bytes, own.publicKey, signature)) return readSignature(signature);
    throw new AppError('invalid-request', NOT_THE_KEYS);
  };
}

/** `ECDSA-Sig-Value ::= SEQUENCE { r INTEGER, s INTEGER }`, as 32 bytes each. */
function readSignature(signature: Uint8Array): Uint8Array {
  const body = derValue(Buffer.from(signature), 0x30);
  const r = derValue(body, 0x02);
  const s = derValue(body.subarray(r.byteOffset - body.byteOffset + r.length), 0x02);
  const plain = new Uint8Array(64);
  for (const [end, number] of [[32, r] as const, [64, s] as const]) {
    // An integer whose first bit is set begins with a zero, and others may be short.
    const digits = number.subarray(Math.max(0, number.length - 32));
    plain.set(digits, end - digits.length);
  }
  return plain;
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
