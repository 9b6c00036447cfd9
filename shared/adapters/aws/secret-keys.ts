import { createHash } from 'node:crypto';
import * as z from 'zod/mini';
import { AppError } from '#shared/core/errors.ts';
import { hmacSha256 } from '#shared/core/hash.ts';
import type { JobId } from '#shared/core/ids.ts';
import type { MacKeys } from '#shared/service/domain/key-format.ts';
import { parseJson } from '#shared/service/domain/stored-json.ts';

const RotatedSchema = z.strictObject({
  current: z.int().check(z.minimum(0), z.maximum(61)),
  keys: z.record(z.string().check(z.regex(/^\d{1,2}$/)), z.string().check(z.minLength(32))),
});

/**
 * The MAC keys in a secret's text: either one text, made by the first deployment, which is version 0;
 * or, after a rotation, `{"current":1,"keys":{"0":"…","1":"…"}}`.
 *
 * @throws AppError `internal-error` for anything else, without saying what the secret is
 */
export function parseMacKeys(secret: string): MacKeys {
  if (/^[A-Za-z0-9+/=_-]{32,}$/.test(secret)) {
    return { current: 0, keys: new Map([[0, keyBytes(secret)]]) };
  }
  const rotated = RotatedSchema.safeParse(parseJson(secret));
  if (!rotated.success || rotated.data.keys[String(rotated.data.current)] === undefined) {
    throw new AppError('internal-error', 'The secret of the MAC keys has another form');
  }
  const { current, keys } = rotated.data;
  return {
    current,
    keys: new Map(Object.entries(keys).map(([version, text]) => [Number(version), keyBytes(text)])),
  };
}

/** The key that receipts are signed with, 32 bytes, from a secret's text. */
export function receiptSigningKey(secret: string): Uint8Array {
  return keyBytes(secret);
}

/** The secret part of a stream's URL, from the text of the receipts' secret. */
export function streamMac(secret: string, job: JobId, endsAt: number): string {
  const key = keyBytes(`stream\n${secret}`);
  return hmacSha256(key, `${job}\n${endsAt}`).toString('base64url').slice(0, 22);
}

/** 32 bytes, whatever the text's own length and alphabet. */
function keyBytes(text: string): Uint8Array {
  return createHash('sha256').update(text).digest();
}
