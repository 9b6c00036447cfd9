import { createPublicKey, randomBytes, verify } from 'node:crypto';
import { CreateKeyCommand, GetPublicKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { expect, it } from 'vitest';
import { createKmsSignature } from '#shared/adapters/aws/kms-signature.ts';
import { accessTo } from '#test/helpers/aws-stand-ins.ts';

const client = new KMSClient(accessTo('moto'));

async function createKey(KeySpec: 'ECC_NIST_P256' | 'ECC_NIST_P384') {
  const { KeyMetadata } = await client.send(
    new CreateKeyCommand({ KeySpec, KeyUsage: 'SIGN_VERIFY' }),
  );
  return KeyMetadata?.Arn ?? '';
}

it('a key of KMS signs', async () => {
  const arn = await createKey('ECC_NIST_P256');
  const { PublicKey = new Uint8Array() } = await client.send(
    new GetPublicKeyCommand({ KeyId: arn }),
  );
  const key = createPublicKey({ key: Buffer.from(PublicKey), format: 'der', type: 'spki' });
  const digest = randomBytes(32);
  const signature = await createKmsSignature(client, arn)(digest);
  // The stand-in takes a digest for a text, whatever MessageType says, and hashes it once more.
  expect(verify('sha256', digest, key, signature)).toBe(true);
});

it('a key that is not there, or of another curve, does not', async () => {
  const arn = await createKey('ECC_NIST_P384');
  const missing = arn.replace(/[^/]+$/, '00000000-0000-0000-0000-000000000000');
  const sign = (key: string) => createKmsSignature(client, key)(randomBytes(32));
  await expect(sign(missing)).rejects.toMatchObject({
    code: 'unavailable',
    message: `AWS KMS did not sign with ${missing}: NotFoundException.`,
  });
  await expect(sign(arn)).rejects.toMatchObject({ code: 'unavailable' });
});
