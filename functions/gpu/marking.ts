import type { Clock } from '#shared/core/clock.ts';
import { AppError } from '#shared/core/errors.ts';
import {
  chainInDer,
  createClaimSigner,
  type PemIdentity,
  validityProblem,
} from '#shared/provenance/c2pa/claim-signer.ts';
import { readPemFile } from '#shared/provenance/c2pa/pem-files.ts';
import { createMarking, type Marking, type MarkingOptions } from '#shared/provenance/marking.ts';
import type { GpuConfig } from './config.ts';

/** How pictures are marked, as threads can be told. */
export interface EncoderMarking extends Omit<MarkingOptions, 'identity'> {
  readonly identity?: PemIdentity | KmsIdentity | undefined;
}

/** A key of AWS KMS, and the certificates that vouch for it. */
interface KmsIdentity {
  readonly kmsKey: string;
  readonly chain: string;
}

/** @throws AppError `invalid-request` for a key or a chain that can't be used: at the start, not at an order */
export function readMarking(config: GpuConfig): EncoderMarking {
  const { C2PA_KEY_FILE: keyFile, C2PA_KMS_KEY: kmsKey, C2PA_CHAIN_FILE: chainFile } = config;
  const marking = { watermark: config.WATERMARK, timeStampUrl: config.C2PA_TIME_STAMP_URL };
  const keys = [keyFile, kmsKey].filter((one) => one !== undefined).length;
  if (keys === 0 && chainFile === undefined) return marking;
  if (keys !== 1 || chainFile === undefined) {
    const problem = 'C2PA_CHAIN_FILE comes together with C2PA_KEY_FILE or C2PA_KMS_KEY.';
    throw new AppError('invalid-request', problem);
  }
  const chain = readPemFile(chainFile);
  if (kmsKey !== undefined) return { ...marking, identity: { kmsKey, chain } };
  const identity = { key: readPemFile(keyFile ?? ''), chain };
  createClaimSigner(identity);
  return { ...marking, identity };
}

/** What is wrong, or soon will be, with the certificates. */
export function certificateProblem({ identity }: EncoderMarking, clock: Clock): string | undefined {
  return identity && validityProblem(chainInDer(identity.chain), clock.now());
}

/** @param secret the deployment's secret of receipts */
export async function loadMarking(
  secret: Uint8Array,
  { identity, ...options }: EncoderMarking,
): Promise<Marking> {
  if (identity === undefined || 'key' in identity) {
    return createMarking(secret, { ...options, identity });
  }
  const { kmsKey, chain } = identity;
  const { KMSClient } = await import('@aws-sdk/client-kms');
  const { clientSettings } = await import('#shared/adapters/aws/aws-access.ts');
  const { createKmsSignature } = await import('#shared/adapters/aws/kms-signature.ts');
  // arn:aws:kms:REGION:ACCOUNT:key/ID
  const [, , , region = ''] = kmsKey.split(':');
  const signDigest = createKmsSignature(new KMSClient(clientSettings({ region })), kmsKey);
  return createMarking(secret, { ...options, identity: { signDigest, chain } });
}
