import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { AppError, FormatError } from '#shared/core/errors.ts';
import { type ByteSource, openFile, statFile } from './byte-source.ts';
import { readSafetensors } from './safetensors.ts';
import { openSharded } from './sharded.ts';
import type { Checkpoint } from './tensor.ts';
import { readTorchZip } from './torch-zip.ts';

/** Names under which diffusers and transformers save weights, best first: exact before rounded ones. */
const WEIGHT_NAMES = ['diffusion_pytorch_model', 'model'].flatMap((stem) => [
  `${stem}.safetensors`,
  `${stem}.safetensors.index.json`,
  `${stem}.fp16.safetensors`,
  `${stem}.safetensors.index.fp16.json`,
  `${stem}.fp16.safetensors.index.json`,
]);
const OLD_WEIGHT_NAMES = ['diffusion_pytorch_model', 'pytorch_model'].flatMap((stem) => [
  `${stem}.bin`,
  `${stem}.bin.index.json`,
  `${stem}.fp16.bin`,
]);

/** First bytes of a zip member, and of torch's format before the zip one. */
const ZIP_MAGIC = [0x50, 0x4b, 0x03, 0x04];
const EMPTY_ZIP_MAGIC = [0x50, 0x4b, 0x05, 0x06];
const LEGACY_MAGIC = [0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8];
const TAR_MAGIC = [0x75, 0x73, 0x74, 0x61, 0x72];
const TAR_MAGIC_OFFSET = 257;
const OPENING_BRACE = 0x7b;

/**
 * Opens a checkpoint: a safetensors file, a `.bin`, `.pt`, `.pth` or `.ckpt` of `torch.save`, a
 * `*.index.json` that joins several of either, or a folder with one of diffusers' or transformers'
 * weight names (plain before `fp16`). Only headers are read; the values stay in the files.
 *
 * @throws AppError `file-not-found`, or FormatError saying why it can't be read
 */
export function openCheckpoint(path: string): Checkpoint {
  if (statFile(path).isDirectory()) {
    const weights = findWeights(path);
    if (weights === undefined) {
      throw new AppError(
        'file-not-found',
        `${path}: there are no weights in this folder (such as ${WEIGHT_NAMES[0]} or model.safetensors).`,
      );
    }
    return openCheckpoint(weights);
  }
  return path.endsWith('.json') ? openSharded(path, openOne) : openOne(path);
}

/**
 * The weight file or index in a folder, if there is one.
 *
 * @param exists whether a path is there
 */
export function findWeights(
  folder: string,
  exists: (path: string) => boolean = existsSync,
): string | undefined {
  return [...WEIGHT_NAMES, ...OLD_WEIGHT_NAMES]
    .map((name) => join(folder, name))
    .find((path) => exists(path));
}

function openOne(path: string): Checkpoint {
  const source = openFile(path);
  try {
    return readCheckpoint(source);
  } catch (error) {
    source.close();
    throw error;
  }
}

/**
 * Reads a file's header by its content, not its name. Owns `source` if it returns.
 *
 * @throws FormatError saying why it can't be read
 */
export function readCheckpoint(source: ByteSource): Checkpoint {
  const { path, sizeBytes } = source;
  if (sizeBytes === 0) throw new FormatError(path, 'is empty');
  const lead = source.read(0, Math.min(sizeBytes, TAR_MAGIC_OFFSET + TAR_MAGIC.length));
  const startsWith = (magic: readonly number[], offset = 0) =>
    magic.every((byte, index) => lead[offset + index] === byte);
  if (startsWith(ZIP_MAGIC) || startsWith(EMPTY_ZIP_MAGIC)) {
    // A safetensors header could have that length, but then its JSON follows.
    return lead[8] === OPENING_BRACE ? readSafetensors(source) : readTorchZip(source);
  }
  if (startsWith(LEGACY_MAGIC) || startsWith(TAR_MAGIC, TAR_MAGIC_OFFSET)) {
    throw new FormatError(
      path,
      'is in a torch format from before 1.6: save it again with a newer torch.save',
    );
  }
  if (lead[8] === OPENING_BRACE || path.endsWith('.safetensors')) return readSafetensors(source);
  throw new FormatError(path, 'is no checkpoint: neither safetensors nor a zip of torch.save');
}
