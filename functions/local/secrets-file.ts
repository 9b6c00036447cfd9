import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError } from '#shared/core/errors.ts';
import type { MacKeys } from '#shared/service/domain/key-format.ts';
import { writePrivateFile } from './write-private-file.ts';

const SECRETS_FILE = 'secrets.json';
const KEY_BYTES = 32;

const Base64Key = z
  .base64()
  .transform((text) => new Uint8Array(Buffer.from(text, 'base64')))
  .refine((bytes) => bytes.length >= 16, 'is shorter than 16 bytes');

const SecretsSchema = z.strictObject({
  /** Version of the MAC key that new API keys are signed with. */
  current_mac: z.number().int().min(0).max(61),
  mac_keys: z.record(z.string().regex(/^\d{1,2}$/), Base64Key),
  /** Signs the URLs of output files and of streams. */
  url_key: Base64Key,
  /** Signs the receipts inside images. */
  receipt_key: Base64Key,
});

export interface Secrets {
  readonly macKeys: MacKeys;
  readonly urlKey: Uint8Array;
  readonly receiptSigningKey: Uint8Array;
}

/**
 * The data folder's own secrets, made on the first start. Losing the file makes every API key and
 * every handed-out URL void.
 *
 * @throws AppError `invalid-file` when it is damaged
 */
export function loadSecrets(folder: string): Secrets {
  const path = join(folder, SECRETS_FILE);
  if (!existsSync(path)) {
    const fresh = () => randomBytes(KEY_BYTES).toString('base64');
    writePrivateFile(
      path,
      JSON.stringify({
        current_mac: 1,
        mac_keys: { 1: fresh() },
        url_key: fresh(),
        receipt_key: fresh(),
      }),
    );
  }
  const parsed = SecretsSchema.safeParse(readJson(path));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new AppError(
      'invalid-file',
      `${path}: ${issue?.path.join('.')}: ${issue?.message}. Restore it from a backup.`,
    );
  }
  const { current_mac, mac_keys, url_key, receipt_key } = parsed.data;
  const keys = new Map(Object.entries(mac_keys).map(([version, key]) => [Number(version), key]));
  return {
    macKeys: { current: current_mac, keys },
    urlKey: url_key,
    receiptSigningKey: receipt_key,
  };
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new AppError('invalid-file', `${path} is not JSON. Restore it from a backup.`, { cause });
  }
}
