import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { defined } from '#shared/core/defined.ts';
import { AppError } from '#shared/core/errors.ts';
import { openCheckpoint } from '#shared/engine/checkpoint/open-checkpoint.ts';
import { readModelConfig } from '#shared/engine/package/build-graphs.ts';
import { type ImportOptions, importModel } from '#shared/engine/package/import-model.ts';
import { type Int8Choice, recipeOf } from '#shared/engine/package/manifest.ts';
import { withTemporaryFolder } from '#shared/engine/package/new-folder.ts';
import { openRepository } from '#shared/engine/package/repository.ts';
import { likeness } from '#shared/engine/pipeline/likeness.ts';
import type { Picture } from '#shared/engine/pipeline/pipeline.ts';
import { decodeAgain } from './decode-again.ts';
import { type DrawOptions, drawPictures } from './draw-pictures.ts';
import { measureLayers } from './measure-layers.ts';

/** How like float32's each picture must be, in dB. */
export const BAR_DB = 35;
/** How like float32's each picture must be that the decoder makes of the same latents, in dB. */
const DECODER_BAR_DB = 45;
/** Shares of the layers that stay float32, one after the other until the pictures are alike. */
const KEPT_SHARES = [0, 1 / 32, 1 / 16, 1 / 8, 1 / 4] as const;

export interface ChooseOptions extends Omit<ImportOptions, 'dtype' | 'int8'> {
  /** How like float32's each picture must be, in dB. Default: {@link BAR_DB}. */
  readonly barDb?: number | undefined;
  /** Take the best that was found even if the pictures are not alike. */
  readonly accept?: boolean | undefined;
  /** Told what is being done, for it takes minutes. */
  readonly onStep?: ((what: string) => void) | undefined;
}

/**
 * Finds out by drawing what has to stay float32 in a model whose UNet is to become int8: makes a float32
 * package, measures each layer's error, and keeps the layers that suffer most until the pictures are
 * alike. The decoder's convolutions become int8 all together or not at all.
 *
 * @throws AppError `invalid-request` with the figure if they don't become alike
 */
export function chooseInt8(options: ChooseOptions): Promise<Int8Choice> {
  return withTemporaryFolder(options.out, options.processId, async (folder) => {
    const { signal, accept = false, barDb = BAR_DB, onStep = () => undefined } = options;
    const quiet = { ...options, onProgress: () => undefined };
    onStep('writing a float32 package to compare with');
    const manifest = await importModel({ ...quiet, dtype: 'fp32', out: join(folder, 'float32') });
    const draw = (name: string, isEnough?: DrawOptions['isEnough']) =>
      drawPictures(join(folder, name), {
        signal,
        isEnough,
        onPicture: (number, of) => onStep(`drawing in ${name}, picture ${number} of ${of}`),
      });
    const wanted = await draw('float32');
    const repository = openRepository(options.repository, options.files);
    const weightFile = join('float32', 'unet.safetensors');
    const weights = openCheckpoint(join(folder, weightFile));
    const config = readModelConfig(repository, recipeOf(manifest), options);
    const stages = wanted.map((picture) => picture.stages);
    const measured = { folder, weightFile, weights, config, stages, signal };
    let errors: ReadonlyMap<string, number>;
    try {
      onStep('measuring the layers');
      errors = await measureLayers(measured);
    } finally {
      weights.close();
    }
    const ranked = [...errors].toSorted(([, a], [, b]) => b - a).map(([layer]) => layer);
    const out = join(folder, 'int8');
    const trial: Trial = {
      ranked,
      wanted,
      barDb,
      async write(int8) {
        const { length } = int8.kept;
        onStep(`writing an int8 package with ${length} of ${ranked.length} layers in float32`);
        // Not beside the next one: there is room for two packages.
        rmSync(out, { recursive: true, force: true });
        const written = await importModel({ ...quiet, dtype: 'int8', int8, out });
        return written.int8 ?? int8;
      },
      decodeAgain() {
        onStep('decoding again in int8');
        return decodeAgain(out, wanted, signal);
      },
      draw: (isEnough) => draw('int8', isEnough),
    };
    const choice = await keepUntilAlike(trial, await chooseDecoder(trial));
    if (accept || (choice.psnrDb ?? barDb) >= barDb) return choice;
    throw new AppError(
      'invalid-request',
      `In int8 this model's pictures come within ${choice.psnrDb} dB of float32's, with ${choice.kept.length} of ${ranked.length} layers left in float32; ${barDb} dB are wanted. Add --accept to have it nevertheless, or import it with --dtype fp32.`,
    );
  });
}

/** What is tried out, and on what. */
interface Trial {
  /** The UNet's layers, the one with the largest error first. */
  readonly ranked: readonly string[];
  /** float32's pictures. */
  readonly wanted: readonly Picture[];
  readonly barDb: number;
  /** Writes the package that is tried; returns what was chosen besides. */
  readonly write: (choice: Int8Choice) => Promise<Int8Choice>;
  /** The pixels that its decoder makes of the latents of float32's pictures. */
  readonly decodeAgain: () => Promise<readonly Uint8Array[]>;
  readonly draw: (isEnough: DrawOptions['isEnough']) => Promise<readonly Picture[]>;
}

/** Writes a package with all layers in int8, its decoder in float32 if int8 hurts it. */
async function chooseDecoder({ wanted, write, decodeAgain: decode }: Trial): Promise<Int8Choice> {
  const choice = await write({ kept: [] });
  if (Object.keys(choice.convolutions ?? {}).length === 0) return choice;
  const decoded = await decode();
  const least = Math.min(...decoded.map((pixels, i) => likenessOf({ pixels }, wanted[i])));
  const measured = { ...choice, ...defined({ decoderPsnrDb: finite(least) }) };
  if (least >= DECODER_BAR_DB) return measured;
  return write({ ...measured, convolutions: {} });
}

/** Leaves more and more layers in float32, until the pictures are alike or a quarter is left. */
async function keepUntilAlike(
  { ranked, wanted, barDb, write, draw }: Trial,
  first: Int8Choice,
): Promise<Int8Choice> {
  let choice = first;
  for (const share of KEPT_SHARES) {
    const kept = ranked.slice(0, Math.ceil(share * ranked.length));
    if (kept.length > 0) await write({ ...first, kept });
    // One that is not alike ends it, except the last time, when the figure is told.
    const isLast = share === KEPT_SHARES.at(-1);
    const fails = (picture: Picture, index: number) =>
      !isLast && likenessOf(picture, wanted[index]) < barDb;
    const drawn = await draw(fails);
    const least = Math.min(...drawn.map((picture, i) => likenessOf(picture, wanted[i])));
    choice = { ...first, kept, ...defined({ psnrDb: finite(least), side: wanted[0]?.width }) };
    if (least >= barDb) break;
  }
  return choice;
}

/** In dB; without end for equal pictures. */
const likenessOf = ({ pixels }: Pick<Picture, 'pixels'>, wanted: Picture | undefined): number =>
  likeness(pixels, wanted?.pixels ?? pixels).psnrDb ?? Number.POSITIVE_INFINITY;

const finite = (value: number): number | undefined => (Number.isFinite(value) ? value : undefined);
