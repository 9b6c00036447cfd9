import { encodeImage } from '#shared/engine/pipeline/encode-image.ts';
import type { Marking } from '#shared/provenance/marking.ts';
import type { Encoded, EncodeTask } from './encoders.ts';
import { loadMarking } from './marking.ts';
import { withoutFolders } from './without-folders.ts';

let last: { readonly key: string; readonly marking: Promise<Marking> } | undefined;

/** Marks and encodes one picture: what a thread of the encoders does. */
export async function encodePicture(task: EncodeTask): Promise<Encoded> {
  const { picture, request, model, secret, options } = task;
  try {
    const started = performance.now();
    const { bytes, sha256, pixelsSha256, deliveredSha256 } = await encodeImage(picture, {
      format: request.output_format,
      quality: request.output_quality,
      prompt: request.prompt,
      decoder: request.decoder,
      model,
      marking: await markingFor(secret, options),
    });
    return {
      image: {
        record: {
          index: picture.index,
          sha256,
          pixels_sha256: pixelsSha256,
          delivered_sha256: deliveredSha256,
          bytes: bytes.length,
          width: picture.width,
          height: picture.height,
          seed: picture.seed,
          format: request.output_format,
        },
        bytes,
        encodeMs: performance.now() - started,
      },
    };
  } catch (error) {
    // Errors lose their class on the way between threads.
    return { problem: withoutFolders(error instanceof Error ? error.message : String(error)) };
  }
}

/** The marks of one secret and its options: the last ones are kept, since a deployment has one of each. */
function markingFor(secret: Uint8Array, options: EncodeTask['options']): Promise<Marking> {
  const key = `${Buffer.from(secret).toString('base64')} ${JSON.stringify(options)}`;
  if (last?.key !== key) {
    const kept = { key, marking: loadMarking(secret, options) };
    last = kept;
    kept.marking.catch(() => {
      if (last === kept) last = undefined;
    });
  }
  return last.marking;
}
