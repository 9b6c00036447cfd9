import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import { AppError, type ErrorCode } from '#shared/core/errors.ts';
import type { ImageFacts } from '#shared/provenance/verify/inspect-image.ts';

/** Lambda takes 6 MB of JSON with the file as base64 in it. */
const MOST_BYTES = 4_400_000;

type Answer =
  | { readonly facts: ImageFacts }
  | { readonly code: ErrorCode; readonly message: string };

/**
 * Reads image files in a function of their own: files of anyone are decoded where there is no secret.
 *
 * @returns a function that throws AppError `invalid-file` for what is no image, and `payload-too-large`
 */
export function createRemoteInspection(
  client: LambdaClient,
  functionName: string,
): (file: Uint8Array) => Promise<ImageFacts> {
  return async (file) => {
    if (file.length > MOST_BYTES) {
      throw new AppError(
        'payload-too-large',
        `The image is larger than ${MOST_BYTES} bytes. Check it with "onestep verify FILE", which needs no server.`,
        { details: { limit: MOST_BYTES } },
      );
    }
    const event = JSON.stringify({ file: Buffer.from(file).toString('base64') });
    const { FunctionError, Payload } = await client.send(
      new InvokeCommand({ FunctionName: functionName, Payload: new TextEncoder().encode(event) }),
    );
    const text = new TextDecoder().decode(Payload);
    if (FunctionError !== undefined) throw new Error(`The reader of images ended: ${text}`);
    const answer = JSON.parse(text) as Answer;
    if ('facts' in answer) return answer.facts;
    throw new AppError(answer.code, answer.message);
  };
}
