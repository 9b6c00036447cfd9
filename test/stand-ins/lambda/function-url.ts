import type { Readable } from 'node:stream';
import { FunctionError, type RuntimeAnswer } from './environment.ts';

/** What a Function URL makes of a streamed answer. */
export interface UrlAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly cookies: readonly string[];
  readonly body: Readable;
}

const INTEGRATION = 'application/vnd.awslambda.http-integration-response';
const DELIMITER = Buffer.alloc(8);

/**
 * Reads the head that stands before the body: JSON, then eight bytes of zero.
 * @throws FunctionError when the answer ends before its head does
 */
export async function readUrlAnswer(answer: RuntimeAnswer): Promise<UrlAnswer> {
  const { contentType, body } = answer;
  if (contentType !== INTEGRATION) {
    return { statusCode: 200, headers: { 'content-type': contentType }, cookies: [], body };
  }
  let seen = Buffer.alloc(0);
  for (;;) {
    const chunk = await nextChunk(body);
    if (chunk === undefined) {
      throw new FunctionError(
        'InvalidStreamingResponse',
        'The answer has no status and no headers.',
      );
    }
    seen = Buffer.concat([seen, chunk]);
    const end = seen.indexOf(DELIMITER);
    if (end === -1) continue;
    body.unshift(seen.subarray(end + DELIMITER.length));
    const {
      statusCode = 200,
      headers = {},
      cookies = [],
    } = JSON.parse(seen.subarray(0, end).toString('utf8'));
    return { statusCode, headers, cookies, body };
  }
}

/** The next bytes; undefined at the end. */
function nextChunk(stream: Readable): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const look = () => {
      const chunk: Buffer | null = stream.read();
      if (chunk !== null) settle(() => resolve(chunk));
      else if (stream.readableEnded) settle(() => resolve(undefined));
    };
    const fail = (error: Error) => settle(() => reject(error));
    const end = () => settle(() => resolve(undefined));
    const settle = (act: () => void) => {
      stream.off('readable', look).off('error', fail).off('end', end);
      act();
    };
    stream.on('readable', look).on('error', fail).on('end', end);
    look();
  });
}
