import { type KMSClient, SignCommand } from '@aws-sdk/client-kms';
import { AppError } from '#shared/core/errors.ts';

/**
 * Signs SHA-256 digests with a P-256 key that does not leave AWS KMS.
 *
 * @param key its ARN
 * @returns a function that gives ECDSA signatures in DER; it throws AppError `unavailable` (retryable)
 *   where there is none
 */
export function createKmsSignature(
  client: KMSClient,
  key: string,
): (digest: Uint8Array) => Promise<Uint8Array> {
  return async (digest) => {
    const command = new SignCommand({
      KeyId: key,
      Message: digest,
      MessageType: 'DIGEST',
      SigningAlgorithm: 'ECDSA_SHA_256',
    });
    try {
      const { Signature } = await client.send(command);
      if (Signature !== undefined) return Signature;
      throw new Error('The answer has no signature.');
    } catch (cause) {
      const why = cause instanceof Error ? cause.name : String(cause);
      const problem = `AWS KMS did not sign with ${key}: ${why}.`;
      throw new AppError('unavailable', problem, { retryable: true, cause });
    }
  };
}
