import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { Tinypool } from 'tinypool';
import { AppError } from '#shared/core/errors.ts';
import type { ImageRecord, InferenceRequest } from '#shared/core/inference.ts';
import { ORDER_FLOW } from '#shared/core/order-flow.ts';
import type { Recipe } from '#shared/core/recipe.ts';
import type { EncoderMarking } from './marking.ts';
import type { DrawnPicture } from './worker-messages.ts';

/** An encoded image on its way to the store; its key is not known to who made it. */
export interface MadeImage {
  readonly record: Omit<ImageRecord, 'key'>;
  readonly bytes: Uint8Array;
  /** What marking and encoding it took, without waiting for a thread. */
  readonly encodeMs: number;
}

type EncodeRequest = Pick<
  InferenceRequest,
  'output_format' | 'output_quality' | 'prompt' | 'decoder'
>;

/** What a thread is given: one picture, and all that is written into its file. */
export interface EncodeTask {
  readonly picture: DrawnPicture;
  readonly request: EncodeRequest;
  readonly model: { readonly name: string; readonly digest: string; readonly recipe: Recipe };
  /** The secret that marks are made with. */
  readonly secret: Uint8Array;
  readonly options: EncoderMarking;
}

/** What it answers with. */
export type Encoded = { readonly image: MadeImage } | { readonly problem: string };

/** Marks and encodes pictures on threads of their own, beside the drawing of the next. */
export interface Encoders {
  /**
   * @param secret what marks are made with; one of this process's own where there is none
   * @throws AppError `model-error`
   */
  encode(
    picture: DrawnPicture,
    request: EncodeRequest,
    model: EncodeTask['model'],
    secret: Uint8Array | undefined,
  ): Promise<MadeImage>;
  /** Loads what the first picture would wait for. */
  warmUp(model: EncodeTask['model']): Promise<void>;
}

/** For tasks that bring no secret: no image leaves without a mark. */
const OWN_SECRET = randomBytes(32);

/** Side of the picture that is encoded for warm-up. */
const WARM_UP_PIXELS = 128;

/** A thread beyond the first ends after this long without work. */
const IDLE_MS = 60_000;

export function createEncoders(options: EncoderMarking): Encoders {
  const pool = new Tinypool({
    filename: new URL('./encode-thread.mjs', import.meta.url).href,
    name: 'encodePicture',
    minThreads: 1,
    // One processor is left to the process that draws.
    maxThreads: Math.max(1, Math.min(ORDER_FLOW.inFlight, availableParallelism() - 1)),
    // While one signature is waited for, the thread goes on with the next picture.
    concurrentTasksPerWorker: isRemote(options) ? ORDER_FLOW.inFlight : 1,
    idleTimeout: IDLE_MS,
    // The loader of this process is registered by the thread itself.
    execArgv: [],
  });

  const run = async (task: EncodeTask): Promise<MadeImage> => {
    // A copy that the thread can be given whole: the pixels lie in the message that brought them.
    const pixels = task.picture.pixels.slice();
    const given: EncodeTask = { ...task, picture: { ...task.picture, pixels } };
    let encoded: Encoded;
    try {
      encoded = await pool.run(given, { transferList: [pixels.buffer] });
    } catch (cause) {
      throw new AppError('model-error', 'The encoder of images ended.', { retryable: true, cause });
    }
    if ('problem' in encoded) throw new AppError('model-error', encoded.problem);
    return encoded.image;
  };

  return {
    encode: (picture, request, model, secret = OWN_SECRET) =>
      run({ picture, request, model, secret, options }),
    async warmUp(model) {
      // On Linux, the libraries of sharp have to be loaded by the main thread before any other.
      await import('sharp');
      const side = WARM_UP_PIXELS;
      await run({
        picture: {
          index: 0,
          seed: 0,
          width: side,
          height: side,
          pixels: new Uint8Array(side * side * 3).fill(128),
        },
        request: { output_format: 'png', output_quality: 90, prompt: 'warm up' },
        model,
        secret: OWN_SECRET,
        // No authority is asked for a picture that is thrown away.
        options: { ...options, timeStampUrl: undefined },
      });
    },
  };
}

/** Whether each signature takes a call over the network. */
const isRemote = ({ identity, timeStampUrl }: EncoderMarking): boolean =>
  timeStampUrl !== undefined || (identity !== undefined && 'kmsKey' in identity);
