import { AppError } from '#shared/core/errors.ts';
import type { ImageFormat } from '#shared/core/inference.ts';
import { type ClaimSigner, coseSign1, reservedBytes } from './cose-sign1.ts';
import { asBlob, loadC2pa } from './load-c2pa.ts';

/** IPTC's term for media made by a trained model (https://cv.iptc.org/newscodes/digitalsourcetype/). */
export const DIGITAL_SOURCE_TYPE =
  'http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia';

/** What the manifest says of how the image was made. */
export interface Claim {
  readonly version: string;
  readonly model: { readonly name: string; readonly digest: string };
}

/** No thumbnail, which would be a fifth of the file, and no reading back: tests do that. */
const CONTEXT = JSON.stringify({
  verify: { verify_after_sign: false },
  builder: { thumbnail: { enabled: false } },
});

/**
 * The image with a signed C2PA manifest inside, bound to its bytes by their hash. Any change of a byte
 * outside the manifest is seen from then on, so this comes last.
 *
 * @throws AppError `model-error` (retryable) where it can't be signed: an image without its mark is none
 */
export async function signImage(
  image: Uint8Array,
  format: ImageFormat,
  claim: Claim,
  signer: ClaimSigner,
): Promise<Uint8Array> {
  /** Why the signer failed: the library gives back a text of its own. */
  let refusal: unknown;
  try {
    const { WasmBuilder } = await loadC2pa();
    const builder = WasmBuilder.fromJson(JSON.stringify(manifestOf(claim)), CONTEXT);
    try {
      const definition = {
        alg: 'es256',
        reserveSize: reservedBytes(signer),
        sign: async (bytes: Uint8Array) => {
          try {
            return (await coseSign1(bytes, signer)) as Uint8Array<ArrayBuffer>;
          } catch (error) {
            refusal = error;
            throw error;
          }
        },
      };
      return await builder.sign(definition, [], `image/${format}`, asBlob(image));
    } finally {
      builder.free();
    }
  } catch (error) {
    const cause = refusal ?? error;
    // Of a failure in the worker, the log gets the message alone.
    const why = cause instanceof AppError ? ` ${cause.message}` : '';
    const problem = `The image could not be signed.${why}`;
    throw new AppError('model-error', problem, { retryable: true, cause });
  }
}

function manifestOf({ version, model }: Claim): object {
  const agent = { name: 'Onestep', version };
  return {
    claim_generator_info: [agent],
    assertions: [
      {
        label: 'c2pa.actions.v2',
        data: {
          actions: [
            {
              action: 'c2pa.created',
              digitalSourceType: DIGITAL_SOURCE_TYPE,
              softwareAgent: agent,
              parameters: {
                'dev.onestep.model': model.name,
                'dev.onestep.digest': model.digest,
              },
            },
          ],
        },
      },
    ],
  };
}
