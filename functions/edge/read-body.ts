import { AppError } from '#shared/core/errors.ts';

function tooLarge(limitBytes: number): AppError {
  return new AppError(
    'payload-too-large',
    `The body is larger than ${limitBytes} bytes. Send pictures by URL, and shorten the prompt.`,
    { details: { limit: limitBytes } },
  );
}

/**
 * The request's whole body, never more than `limitBytes` of it in memory; undefined when the
 * request says that it has none. One that turns out to be empty is returned as empty.
 *
 * @throws AppError `payload-too-large`; `invalid-request` when the connection ends before the body
 */
export async function readBody(
  request: Request,
  limitBytes: number,
): Promise<Uint8Array | undefined> {
  if (request.method === 'GET' || request.method === 'HEAD') return undefined;
  const announced = request.headers.get('content-length');
  if (announced === '0') return undefined;
  if (announced !== null) {
    if (Number(announced) > limitBytes) throw tooLarge(limitBytes);
    const bytes = new Uint8Array(await request.arrayBuffer().catch(rejectBroken));
    if (bytes.length > limitBytes) throw tooLarge(limitBytes);
    return bytes;
  }
  return request.body === null ? undefined : await readStream(request.body, limitBytes);
}

async function readStream(
  stream: ReadableStream<Uint8Array>,
  limitBytes: number,
): Promise<Uint8Array> {
  const reader = stream.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read().catch(rejectBroken);
    if (done) break;
    length += value.length;
    if (length > limitBytes) {
      await reader.cancel().catch(() => undefined);
      throw tooLarge(limitBytes);
    }
    chunks.push(value);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

function rejectBroken(cause: unknown): never {
  throw new AppError('invalid-request', 'The body ended early. Send the request again.', { cause });
}
