import { toAppError } from '#shared/core/error-body.ts';
import type { ErrorCode } from '#shared/core/errors.ts';
import { type ImageFacts, inspectImage } from '#shared/provenance/verify/inspect-image.ts';

/** An image file, as base64. */
export interface InspectionRequest {
  readonly file: string;
}

export type InspectionAnswer =
  | { readonly facts: ImageFacts }
  | { readonly code: ErrorCode; readonly message: string };

/** Lambda's entry: what an image says of itself. It knows no secret and may call nothing. */
export async function handler({ file }: InspectionRequest): Promise<InspectionAnswer> {
  try {
    return { facts: await inspectImage(Buffer.from(file, 'base64')) };
  } catch (thrown) {
    const { code, message, status } = toAppError(thrown);
    // Lambda logs it, and the API answers with a bare 500.
    if (status >= 500) throw thrown;
    return { code, message };
  }
}
