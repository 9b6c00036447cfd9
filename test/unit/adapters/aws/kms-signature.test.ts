import { verify, X509Certificate } from 'node:crypto';
import type { KMSClient } from '@aws-sdk/client-kms';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { createKmsSignature } from '#shared/adapters/aws/kms-signature.ts';
import { createClaimSigner } from '#shared/provenance/c2pa/claim-signer.ts';
import { readC2paManifest } from '#shared/provenance/c2pa/read-c2pa-manifest.ts';
import { createSelfMadeIdentity } from '#shared/provenance/c2pa/self-made-identity.ts';
import { signImage } from '#shared/provenance/c2pa/sign-image.ts';
import { signDigest } from '#test/helpers/ecdsa.ts';

const ARN = 'arn:aws:kms:eu-central-1:123456789012:key/1';
const { key, chain } = await createSelfMadeIdentity(new Uint8Array(32).fill(5), new Date());
const claim = { version: '1', model: { name: 'demo', digest: 'ab' } };
const plain = await sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } })
  .png()
  .toBuffer();

/** KMS with one key; what it is asked is written down. */
function kms(answer: (digest: Uint8Array) => Promise<{ Signature?: Uint8Array }>) {
  const asked: Record<string, unknown>[] = [];
  const client = {
    send: ({ input }: { input: { Message: Uint8Array } }) => {
      asked.push(input);
      return answer(input.Message);
    },
  } as unknown as KMSClient;
  return { asked, sign: createKmsSignature(client, ARN) };
}
const signing = (pem: string) =>
  kms(async (digest) => ({ Signature: signDigest(pem, digest, 7_654_321n) }));

describe('a key in AWS KMS', () => {
  it('signs images, and is given nothing but the digest', async () => {
    const { asked, sign } = signing(key);
    const image = await signImage(
      plain,
      'png',
      claim,
      createClaimSigner({ signDigest: sign, chain }),
    );
    expect(await readC2paManifest(image, 'image/png')).toMatchObject({
      whole: true,
      signer: 'Onestep',
    });
    expect(asked).toEqual([
      {
        KeyId: ARN,
        Message: expect.objectContaining({ length: 32 }),
        MessageType: 'DIGEST',
        SigningAlgorithm: 'ECDSA_SHA_256',
      },
    ]);
  });

  it('may sign with numbers of any length', async () => {
    const { publicKey } = new X509Certificate(chain);
    const text = new Uint8Array(5);
    for (let k = 1n; k <= 300n; k += 1n) {
      const signer = createClaimSigner({
        signDigest: async (digest) => signDigest(key, digest, k),
        chain,
      });
      const signature = await signer.sign(text);
      expect(signature.length).toBe(64);
      const own = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const;
      expect(verify('sha256', text, own, signature), String(k)).toBe(true);
    }
  });

  it('signs nothing that the certificate does not fit', async () => {
    const other = await createSelfMadeIdentity(new Uint8Array(32).fill(6), new Date());
    const signer = createClaimSigner({ signDigest: signing(other.key).sign, chain });
    await expect(signImage(plain, 'png', claim, signer)).rejects.toThrow(
      "The image could not be signed. c2pa.chain: its first certificate is not the key's.",
    );
  });

  it.each([
    [
      'AccessDeniedException',
      () => Promise.reject(Object.assign(new Error('no'), { name: 'AccessDeniedException' })),
    ],
    ['Error', async () => ({})],
  ])('fails the image where KMS does: %s', async (name, answer) => {
    const signer = createClaimSigner({ signDigest: kms(answer).sign, chain });
    await expect(signImage(plain, 'png', claim, signer)).rejects.toMatchObject({
      code: 'model-error',
      retryable: true,
      message: `The image could not be signed. AWS KMS did not sign with ${ARN}: ${name}.`,
    });
  });
});
