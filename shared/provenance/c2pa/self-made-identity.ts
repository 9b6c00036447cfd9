import 'reflect-metadata';
import { createECDH, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { deriveKey } from '#shared/core/marking-keys.ts';
import type { PemIdentity } from './claim-signer.ts';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY_MS = 24 * 3_600_000;
const VALID_MS = 3650 * DAY_MS;
/** C2PA's own purpose of claim signing, and mail protection, which older readers ask for. */
const PURPOSES = ['1.3.6.1.4.1.62558.2.1', x509.ExtendedKeyUsage.emailProtection];

/**
 * A signing key and a certificate from an authority made beside it. Readers call it valid and untrusted:
 * no list knows the authority. The keys are functions of the secret, so that a deployment signs with the
 * same ones on every instance; the certificates are made anew.
 *
 * @param secret the secret of receipts
 */
export async function createSelfMadeIdentity(secret: Uint8Array, now: Date): Promise<PemIdentity> {
  x509.cryptoProvider.set(webcrypto);
  const authority = await keyPair(deriveKey(secret, 'c2pa authority'));
  const own = await keyPair(deriveKey(secret, 'c2pa claims'));
  const validity = {
    notBefore: new Date(now.getTime() - DAY_MS),
    notAfter: new Date(now.getTime() + VALID_MS),
    signingAlgorithm: ALGORITHM,
  };
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    ...validity,
    serialNumber: '01',
    name: 'CN=Onestep self-made authority, O=Onestep',
    keys: authority,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      await x509.SubjectKeyIdentifierExtension.create(authority.publicKey),
    ],
  });
  const leaf = await x509.X509CertificateGenerator.create({
    ...validity,
    serialNumber: '02',
    subject: 'CN=Onestep, O=Onestep',
    issuer: root.subject,
    publicKey: own.publicKey,
    signingKey: authority.privateKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension(PURPOSES),
      await x509.AuthorityKeyIdentifierExtension.create(authority.publicKey),
      await x509.SubjectKeyIdentifierExtension.create(own.publicKey),
    ],
  });
  const key = await webcrypto.subtle.exportKey('pkcs8', own.privateKey);
  return {
    key: x509.PemConverter.encode(key, 'PRIVATE KEY'),
    chain: `${leaf.toString('pem')}\n${root.toString('pem')}\n`,
  };
}

/** The pair of a P-256 key whose number is the seed: no seed is 0 or above the curve's order by chance. */
async function keyPair(seed: Uint8Array): Promise<webcrypto.CryptoKeyPair> {
  const curve = createECDH('prime256v1');
  curve.setPrivateKey(seed);
  const point = curve.getPublicKey();
  const part = (start: number): string => point.subarray(start, start + 32).toString('base64url');
  const publicJwk = { kty: 'EC', crv: 'P-256', x: part(1), y: part(33) };
  const privateJwk = { ...publicJwk, d: Buffer.from(seed).toString('base64url') };
  const { subtle } = webcrypto;
  return {
    publicKey: await subtle.importKey('jwk', publicJwk, ALGORITHM, true, ['verify']),
    privateKey: await subtle.importKey('jwk', privateJwk, ALGORITHM, true, ['sign']),
  };
}
