import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

const READ_BYTES = 2 ** 20;

/** SHA-256 of a file, hex, read a piece at a time. */
export async function fileDigest(path: string): Promise<string> {
  const hash = createHash('sha256');
  const stream = createReadStream(path, { highWaterMark: READ_BYTES });
  for await (const chunk of stream) hash.update(chunk);
  return hash.digest('hex');
}
