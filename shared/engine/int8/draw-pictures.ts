import { loadPipeline, type Picture } from '#shared/engine/pipeline/pipeline.ts';

/** What is drawn to compare int8 with float32: people, light, fine detail, flat areas. */
const PROMPTS = [
  'a portrait of an old fisherman, studio light',
  'a red boat at sea under a clear blue sky',
  'a street in a big city at night, neon signs in the rain',
  'a bowl of green apples on a wooden table',
] as const;

/** Pixels of each side, if the model's own size is not smaller. */
const LARGEST_SIDE = 512;

export interface DrawOptions {
  readonly signal?: AbortSignal | undefined;
  /** Told which picture of how many is drawn. */
  readonly onPicture?: (number: number, of: number) => void;
  /** Asked after each picture whether the rest would change nothing. */
  readonly isEnough?: ((picture: Picture, index: number) => boolean) | undefined;
}

/** The pictures that a package is judged by: one of each prompt, each with a seed of its own. */
export async function drawPictures(folder: string, options: DrawOptions = {}): Promise<Picture[]> {
  const pipeline = await loadPipeline(folder, { device: 'cpu' });
  const { defaultWidth, defaultHeight, multiple } = pipeline.manifest.size;
  const side =
    Math.floor(Math.min(LARGEST_SIDE, defaultWidth, defaultHeight) / multiple) * multiple;
  const pictures: Picture[] = [];
  try {
    for (const [seed, prompt] of PROMPTS.entries()) {
      options.signal?.throwIfAborted();
      options.onPicture?.(seed + 1, PROMPTS.length);
      const request = { prompt, seed, width: side, height: side, numOutputs: 1 };
      for await (const picture of pipeline.generate(request)) pictures.push(picture);
      const last = pictures.at(-1);
      if (last !== undefined && options.isEnough?.(last, seed)) break;
    }
  } finally {
    await pipeline.close();
  }
  return pictures;
}
