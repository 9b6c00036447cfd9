import { randomBytes } from 'node:crypto';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { IMAGE_FORMATS } from '#shared/core/inference.ts';
import type { ClaimSigner } from '#shared/provenance/c2pa/cose-sign1.ts';
import { coseSign1, reservedBytes } from '#shared/provenance/c2pa/cose-sign1.ts';
import { createClaimSigner, validityProblem } from '#shared/provenance/c2pa/claim-signer.ts';
import { readC2paManifest } from '#shared/provenance/c2pa/read-c2pa-manifest.ts';
import { createSelfMadeIdentity } from '#shared/provenance/c2pa/self-made-identity.ts';
import { signImage } from '#shared/provenance/c2pa/sign-image.ts';

const SECRET = new Uint8Array(32).fill(9);
const CLAIM = { version: '1', model: { name: 'demo', digest: 'ab' } };
const identity = await createSelfMadeIdentity(SECRET, new Date());
const signer = createClaimSigner(identity);
const other = await createSelfMadeIdentity(new Uint8Array(32).fill(8), new Date());

const create = { width: 32, height: 32, channels: 3, background: '#48a' } as const;

describe.each(IMAGE_FORMATS)('a signed %s', (format) => {
  const type = `image/${format}`;

  it('is whole, from a known authority trusted, and opens as before', async () => {
    const plain = await sharp({ create }).toFormat(format).toBuffer();
    const signed = await signImage(plain, format, CLAIM, signer);
    expect(await readC2paManifest(plain, type)).toBeUndefined();
    const facts = { whole: true, trusted: false, signer: 'Onestep', problems: [] };
    expect(await readC2paManifest(signed, type)).toEqual({ ...facts, machine_made: true });
    const authority = identity.chain.slice(identity.chain.lastIndexOf('-----BEGIN'));
    expect(await readC2paManifest(signed, type, authority)).toMatchObject({ trusted: true });
    const pixels = (file: Uint8Array) => sharp(file).raw().toBuffer();
    expect((await pixels(signed)).equals(await pixels(plain))).toBe(true);
  });

  it('is whole whatever its length and that of the manifest', async () => {
    for (const extra of ['', 'a', 'aa', 'aaa']) {
      const xmp = `<x:xmpmeta xmlns:x="adobe:ns:meta/"/>${extra}`;
      const plain = await sharp({ create }).withXmp(xmp).toFormat(format).toBuffer();
      for (const digest of ['', 'a'.repeat(23), 'a'.repeat(300), 'a'.repeat(70_001)]) {
        const signed = await signImage(
          plain,
          format,
          { ...CLAIM, model: { name: extra, digest } },
          signer,
        );
        expect(await readC2paManifest(signed, type)).toMatchObject({ whole: true, problems: [] });
        await sharp(signed).raw().toBuffer();
      }
    }
  });

  it('shows that a byte was changed', async () => {
    const plain = await sharp({ create }).toFormat(format).toBuffer();
    const signed = await signImage(plain, format, CLAIM, signer);
    const last = signed.length - 1;
    signed[last] = (signed[last] ?? 0) ^ 1;
    expect(await readC2paManifest(signed, type)).toMatchObject({ whole: false });
  });
});

describe('an image that can’t be signed', () => {
  const failing: readonly [string, Partial<ClaimSigner>][] = [
    ['the signer fails', { sign: () => Promise.reject(new Error('no key')) }],
    ['the signature is short', { sign: async () => new Uint8Array(12) }],
    ['the authority gives no time stamp', { timeStamp: () => Promise.reject(new Error('down')) }],
    ['the time stamp is too long', { timeStamp: async () => new Uint8Array(20_000) }],
  ];
  it.each(failing)('is none: %s', async (_, fault) => {
    const plain = await sharp({ create }).png().toBuffer();
    await expect(signImage(plain, 'png', CLAIM, { ...signer, ...fault })).rejects.toMatchObject({
      code: 'model-error',
      retryable: true,
    });
  });
});

it('says so when it is the time stamp that an image could not be signed for', async () => {
  const plain = await sharp({ create }).png().toBuffer();
  // Nothing listens there.
  const stamped = createClaimSigner(identity, 'http://127.0.0.1:9/');
  await expect(signImage(plain, 'png', CLAIM, stamped)).rejects.toThrow(
    'The image could not be signed. The time stamp authority gave no time stamp.',
  );
});

it('fills the bytes that are set aside, whatever the chain', async () => {
  for (const length of [0, 10, 23, 24, 200, 255, 256, 1000, 70_000]) {
    const odd: ClaimSigner = { chain: [randomBytes(length)], sign: async () => new Uint8Array(64) };
    expect((await coseSign1(new Uint8Array(5), odd)).length).toBe(reservedBytes(odd));
  }
});

describe('the self-made identity', () => {
  it('has the same keys on every instance of a deployment', async () => {
    const again = await createSelfMadeIdentity(SECRET, new Date());
    expect(again.key).toBe(identity.key);
    expect(other.key).not.toBe(identity.key);
  });

  it('is refused where key and certificate are of two', () => {
    expect(() => createClaimSigner({ key: other.key, chain: identity.chain })).toThrow(
      /not the key's/,
    );
  });

  it.each([
    ['c2pa.key', { key: 'no key', chain: identity.chain }],
    [
      'c2pa.chain',
      {
        key: identity.key,
        chain: '-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----',
      },
    ],
  ])('is refused by the name of the setting where %s is no PEM', (setting, broken) => {
    expect(() => createClaimSigner(broken)).toThrow(
      expect.objectContaining({
        code: 'invalid-request',
        message: expect.stringContaining(`${setting}: this is no PEM`),
      }),
    );
  });
});

describe('validityProblem', () => {
  const days = (count: number) => Date.now() + count * 24 * 3_600_000;

  it.each([
    [0, undefined],
    [3600, undefined],
    [3630, 'expires on'],
    [3651, 'expired on'],
    [-2, 'is valid from'],
  ])('tells of a certificate for ten years, after %d days: %s', (after, problem) => {
    const said = validityProblem(signer.chain, days(after));
    if (problem === undefined) expect(said).toBeUndefined();
    else expect(said).toContain(`c2pa.chain: a certificate ${problem}`);
  });
});
