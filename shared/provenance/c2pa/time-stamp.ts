import { createHash } from 'node:crypto';
import { AppError } from '#shared/core/errors.ts';
import { derValue } from './der-value.ts';

const QUERY_TYPE = 'application/timestamp-query';
/** From the question to the answer's last byte: an order waits for no authority longer than this. */
const TIMEOUT_MS = 10_000;
/** More than any answer that could be used. */
const MOST_ANSWER_BYTES = 100_000;
/** `SEQUENCE { OBJECT IDENTIFIER sha256, NULL }` */
const SHA256_ALGORITHM = Buffer.from('300d06096086480165030402010500', 'hex');

/**
 * Asks an authority for a time stamp over bytes (RFC 3161 over HTTP).
 *
 * @param timeoutMs for the whole answer
 * @returns the TimeStampToken in DER, its authority's certificates included
 * @throws AppError `unavailable` (retryable) where there is none
 */
export async function requestTimeStamp(
  bytes: Uint8Array,
  url: string,
  timeoutMs = TIMEOUT_MS,
): Promise<Uint8Array> {
  const hash = createHash('sha256').update(bytes).digest();
  const query = der(0x30, [
    der(0x02, [Buffer.of(1)]),
    der(0x30, [SHA256_ALGORITHM, der(0x04, [hash])]),
    // certReq: the token is to bring the certificates by which it is checked.
    der(0x01, [Buffer.of(0xff)]),
  ]);
  try {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': QUERY_TYPE },
      body: Uint8Array.from(query),
      signal: AbortSignal.timeout(timeoutMs),
      // The settings name this authority, not one that it redirects to.
      redirect: 'manual',
    });
    if (!answer.ok) throw new Error(`It answered ${answer.status}.`);
    const token = readToken(await readAnswer(answer));
    // Of a whole token, only readers check the rest: the authority signs what it is sent.
    if (!token.includes(hash)) throw new Error('It stamped something else.');
    return Uint8Array.from(token);
  } catch (cause) {
    const problem = 'The time stamp authority gave no time stamp.';
    throw new AppError('unavailable', problem, { retryable: true, cause });
  }
}

async function readAnswer({ body }: Response): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of body ?? []) {
    parts.push(part);
    length += part.length;
    if (length > MOST_ANSWER_BYTES) throw new Error('It answered more than a time stamp.');
  }
  return Buffer.concat(parts);
}

/** `TimeStampResp ::= SEQUENCE { status SEQUENCE { INTEGER, … }, timeStampToken }` */
function readToken(response: Buffer): Buffer {
  const body = derValue(response, 0x30);
  const status = derValue(body, 0x30);
  const granted = derValue(status, 0x02);
  // 0: granted; 1: granted with changes.
  if (granted.length !== 1 || (granted[0] ?? 2) > 1) throw new Error('It refused.');
  const token = body.subarray(status.byteOffset - body.byteOffset + status.length);
  derValue(token, 0x30);
  return token;
}

function der(tag: number, parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  if (content.length > 127) throw new Error('longer than one byte of length can say');
  return Buffer.concat([Buffer.of(tag, content.length), content]);
}
