import {
  type EmbeddedReceipt,
  serializeReceipt,
  verifyReceipt,
} from '#shared/core/embedded-receipt.ts';
import { embeddedReceipt } from '#shared/service/domain/signed-receipt.ts';
import {
  FileReceiptSchema,
  PredictionReceiptSchema,
  type VerifyAnswer,
  type VerifyRequest,
} from './verify-schema.ts';

interface Claim {
  readonly receipt: EmbeddedReceipt;
  readonly signature: string | undefined;
}

/** Whether an image with these pixels and this receipt was made under the deployment's key. */
export function verifyImage(request: VerifyRequest, key: Uint8Array): VerifyAnswer {
  const claim = readClaim(request);
  if (claim === undefined) return refuse('unreadable');
  if (claim.receipt.pixels_sha256 !== request.pixels_sha256) return refuse('other-pixels');
  if (claim.signature === undefined) return refuse('unsigned');
  if (!verifyReceipt(serializeReceipt(claim.receipt), claim.signature, key)) {
    return refuse('unknown-signature');
  }
  const { model, seed } = claim.receipt;
  return { made_here: true, reason: null, model, seed };
}

function refuse(reason: NonNullable<VerifyAnswer['reason']>): VerifyAnswer {
  return { made_here: false, reason, model: null, seed: null };
}

function readClaim(request: VerifyRequest): Claim | undefined {
  const { receipt: given, signature, pixels_sha256 } = request;
  const content = typeof given === 'string' ? parseJson(given) : given;
  const file = FileReceiptSchema.safeParse(content);
  if (file.success) {
    const { signature: inside, ...receipt } = file.data;
    return { receipt, signature: signature ?? inside };
  }
  const prediction = PredictionReceiptSchema.safeParse(content);
  if (!prediction.success) return undefined;
  const { model, versions, input, images } = prediction.data;
  const image = images.find((one) => one.pixels_sha256 === pixels_sha256) ?? images[0];
  if (image === undefined) return undefined;
  const { prompt, output_quality: quality, decoder } = input;
  return {
    receipt: embeddedReceipt({ model, versions, prompt, quality, decoder, image }),
    signature: signature ?? image.signature,
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
