import { AppError } from '#shared/core/errors.ts';

const ADVICE = 'Shorten the prompt. Only POST /v1/images/verify takes pictures.';

/**
 * The request's whole body, never more than `limitBytes` of it in memory; undefined when the
 * request says that it has none. One that turns out to be empty is returned as empty.
 *
 * @param advice what to do about a larger one
 * @throws AppError `payload-too-large`; `invalid-request` when the connection ends before the body
 */
export async function readBody(
  request: Request,
  limitBytes: number,
  advice = ADVICE,
): Promise<Uint8Array | undefined> {
  const tooLarge = (): AppError => {
    const problem = `The body is larger than ${limitBytes} bytes. ${advice}`;
    return new AppError('payload-too-large', problem, { details: { limit: limitBytes } });
  };
  if (request.method === 'GET' || request.method === 'HEAD') return undefined;
  const announced = request.headers.get('content-length');
  if (announced === '0') return undefined;
  if (announced !== null) {
    if (Number(announced) > limitBytes) throw tooLarge();
    const bytes = new Uint8Array(await request.arrayBuffer().catch(rejectBroken));
    if (bytes.length > limitBytes) throw tooLarge();
    return bytes;
  }
  return request.body === null ? undefined : await readStream(request.body, limitBytes, tooLarge);
}

async function readStream(
  stream: ReadableStream<Uint8Array>,
  limitBytes: number,
  tooLarge: () => AppError,
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
      throw tooLarge();
    }
    chunks.push(value);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

function rejectBroken(cause: unknown): never {
  throw new AppError('invalid-request', 'The body ended early. Send the request again.', { cause });
}
