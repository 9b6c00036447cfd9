import { createHash } from 'node:crypto';
import { AppError } from '#shared/core/errors.ts';
import type { ImageFormat } from '#shared/core/inference.ts';
import { type ClaimSigner, coseSign1, reservedBytes } from './cose-sign1.ts';
import { type Binding, type Claim, createManifest, newManifestNames } from './manifest.ts';
import { type PlacedManifest, placeManifest } from './place-manifest.ts';

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
  const names = newManifestNames();
  const manifestFor = (binding: Binding) => createManifest(claim, binding, names);
  const place = (store: Uint8Array) => placeManifest(image, format, store);
  const blank = new Uint8Array(reservedBytes(signer));
  let placed: PlacedManifest = { file: Buffer.alloc(0), start: 0, length: 0 };
  // Where a manifest stands is a part of it, and the numbers may be longer than the ones before.
  for (let known = -1; known !== placed.length; ) {
    known = placed.length;
    const { start, length } = placed;
    placed = place(manifestFor({ start, length, hash: new Uint8Array(32) }).withSignature(blank));
  }
  const { file, start, length } = placed;
  const hash = createHash('sha256').update(file.subarray(0, start));
  hash.update(file.subarray(start + length));
  const manifest = manifestFor({ start, length, hash: hash.digest() });
  try {
    return place(manifest.withSignature(await coseSign1(manifest.claim, signer))).file;
  } catch (cause) {
    // Of a failure in the worker, the log gets the message alone.
    const why = cause instanceof AppError ? ` ${cause.message}` : '';
    const problem = `The image could not be signed.${why}`;
    throw new AppError('model-error', problem, { retryable: true, cause });
  }
}
