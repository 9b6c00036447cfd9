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
import { type DrawOptions, drawPictures } from './draw-pictures.ts';
import { measureLayers } from './measure-layers.ts';

/** How like float32's each picture must be, in dB. */
export const BAR_DB = 35;
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
 * alike.
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
    try {
      onStep('measuring the layers');
      const errors = await measureLayers(measured);
      const ranked = [...errors].toSorted(([, a], [, b]) => b - a).map(([layer]) => layer);
      let choice: Int8Choice = { kept: [] };
      for (const share of KEPT_SHARES) {
        const kept = ranked.slice(0, Math.ceil(share * ranked.length));
        choice = { kept };
        onStep(`writing an int8 package with ${kept.length} of ${ranked.length} layers in float32`);
        await importModel({ ...quiet, dtype: 'int8', int8: choice, out: join(folder, 'int8') });
        // One that is not alike ends it, except the last time, when the figure is told.
        const isLast = share === KEPT_SHARES.at(-1);
        const fails = (picture: Picture, index: number) =>
          !isLast && likenessOf(picture, wanted[index]) < barDb;
        const drawn = await draw('int8', fails);
        const least = Math.min(...drawn.map((picture, i) => likenessOf(picture, wanted[i])));
        choice = { kept, ...defined({ psnrDb: finite(least), side: wanted[0]?.width }) };
        if (least >= barDb) return choice;
      }
      if (accept) return choice;
      throw new AppError(
        'invalid-request',
        `In int8 this model's pictures come within ${choice.psnrDb} dB of float32's, with ${choice.kept.length} of ${ranked.length} layers left in float32; ${barDb} dB are wanted. Add --accept to have it nevertheless, or import it with --dtype fp32.`,
      );
    } finally {
      weights.close();
    }
  });
}

/** In dB; without end for equal pictures. */
const likenessOf = ({ pixels }: Picture, wanted: Picture | undefined): number =>
  likeness(pixels, wanted?.pixels ?? pixels).psnrDb ?? Number.POSITIVE_INFINITY;

const finite = (value: number): number | undefined => (Number.isFinite(value) ? value : undefined);
