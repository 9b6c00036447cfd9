import { parseFileReceipt } from '#shared/core/file-receipt.ts';
import type { ImageFacts } from '#shared/provenance/verify/inspect-image.ts';
import { judgeImage } from '#shared/provenance/verify/judge-image.ts';
import { embeddedReceipt } from '#shared/service/domain/signed-receipt.ts';
import { PredictionReceiptSchema, type VerifyAnswer, type VerifyRequest } from './verify-schema.ts';

type Claim = ReturnType<typeof parseFileReceipt>;

/** What an image's own facts show, by the deployment's secret. */
export function verifyFile(facts: ImageFacts, secret: Uint8Array): VerifyAnswer {
  return judgeImage(
    {
      manifest: facts.manifest,
      receipt: parseFileReceipt(facts.receipt)?.receipt,
      signature: facts.signature ?? undefined,
      pixelsSha256: facts.pixels_sha256,
      watermark: facts.watermark,
    },
    { secret },
  );
}

/** Whether an image with these pixels and this receipt was made under the deployment's key. */
export function verifyReceiptOf(request: VerifyRequest, secret: Uint8Array): VerifyAnswer {
  const claim = readClaim(request);
  return judgeImage(
    {
      manifest: null,
      receipt: claim?.receipt,
      signature: request.signature ?? claim?.signature,
      pixelsSha256: request.pixels_sha256,
      watermark: request.watermark ?? null,
    },
    { secret },
  );
}

function readClaim({ receipt: given, pixels_sha256 }: VerifyRequest): Claim {
  const file = parseFileReceipt(given);
  if (file !== undefined) return file;
  const prediction = PredictionReceiptSchema.safeParse(
    typeof given === 'string' ? parseJson(given) : given,
  );
  if (!prediction.success) return undefined;
  const { model, versions, input, images } = prediction.data;
  const isMeant = (one: (typeof images)[number]): boolean =>
    [one.pixels_sha256, one.delivered_sha256].includes(pixels_sha256);
  const image = images.find(isMeant) ?? images[0];
  if (image === undefined) return undefined;
  const { prompt, output_quality: quality, decoder } = input;
  return {
    receipt: embeddedReceipt({ model, versions, prompt, quality, decoder, image }),
    signature: image.signature,
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
