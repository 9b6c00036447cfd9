import { gzipSync } from 'node:zlib';
import { weightsOf } from './weights.ts';

/** A shorter text gains less than the call costs; and answers with a secret in them are all shorter. */
const LEAST_CHARACTERS = 2_048;
/** The default of 6 takes twice as long for a twentieth less. */
const LEVEL = 3;

/**
 * A text as it is sent to a client that names these encodings: compressed where it is long. The headers
 * that say so are added to those given.
 *
 * @param accepted the request's `Accept-Encoding` (RFC 9110 §12.5.3)
 */
export function compressText(
  accepted: string | null,
  text: string,
  headers: Record<string, string>,
): string | Uint8Array<ArrayBuffer> {
  if (text.length < LEAST_CHARACTERS) return text;
  headers['vary'] = 'accept-encoding';
  if (!acceptsGzip(accepted)) return text;
  headers['content-encoding'] = 'gzip';
  return gzipSync(text, { level: LEVEL });
}

function acceptsGzip(accepted: string | null): boolean {
  if (accepted === null) return false;
  const weights = weightsOf(accepted);
  return (weights.get('gzip') ?? weights.get('*') ?? 0) > 0;
}
