import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  createImageCheckEndpoint,
  ImageVerdictSchema,
} from '#shared/adapters/http/image-check-endpoint.ts';
import { AppError, assert } from '#shared/core/errors.ts';
import type { BlockedImage } from '#shared/core/inference.ts';
import type { ImageCheck } from '#shared/service/ports/image-check.ts';
import type { MadeImage } from './encoders.ts';

/** The name under which a custom module exports its check. */
const EXPORT = 'checkImage';

/**
 * The check that the configuration names: an `http(s)` address, or a module that exports `checkImage`.
 *
 * @throws AppError `invalid-request` when the module is not there or exports no such function
 */
export async function loadImageCheck(setting: string): Promise<ImageCheck> {
  if (/^https?:\/\//.test(setting)) return createImageCheckEndpoint(setting);
  const path = resolve(setting);
  let loaded: Record<string, unknown>;
  try {
    loaded = await import(pathToFileURL(path).href);
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw new AppError('invalid-request', `The image check ${path} can't be loaded: ${problem}`, {
      cause,
    });
  }
  const check = loaded[EXPORT];
  if (typeof check !== 'function') {
    throw new AppError('invalid-request', `The image check ${path} exports no ${EXPORT}().`);
  }
  return async (image) => ImageVerdictSchema.parse(await check(image));
}

/** The images that may be stored, and those that may not. */
export interface CheckedImages {
  readonly allowed: readonly MadeImage[];
  readonly blocked: readonly BlockedImage[];
}

/** Looks at a task's images as they are made, beside the making of the next. */
export interface TaskCheck {
  add(image: MadeImage): void;
  /**
   * @param images of those that were added
   * @throws AppError `unavailable` (retryable) when one of them could not be checked
   */
  result(images: readonly MadeImage[]): Promise<CheckedImages>;
}

/** @param check absent: every image is allowed */
export function createTaskCheck(
  check: ImageCheck | undefined,
  { job, prompt }: { readonly job: string; readonly prompt: string },
): TaskCheck {
  const looks = new Map<MadeImage, ReturnType<ImageCheck>>();
  return {
    add(image) {
      const { index, width, height, format } = image.record;
      const look =
        check?.({ job, index, prompt, width, height, format, bytes: image.bytes }) ??
        Promise.resolve({ allowed: true } as const);
      // result() reports its failure, if it is called at all.
      look.catch(() => undefined);
      looks.set(image, look);
    },
    async result(images) {
      const verdicts = images.map(async (image) => {
        const verdict = await looks.get(image);
        assert(verdict !== undefined, `image ${image.record.index} was not given to the check`);
        return { image, verdict };
      });
      const seen = await Promise.all(verdicts).catch((cause: unknown) => {
        throw new AppError('unavailable', 'The images could not be checked.', {
          retryable: true,
          cause,
        });
      });
      return {
        allowed: seen.flatMap(({ image, verdict }) => (verdict.allowed ? [image] : [])),
        blocked: seen.flatMap(({ image, verdict }) =>
          verdict.allowed ? [] : [{ index: image.record.index, reason: verdict.reason }],
        ),
      };
    },
  };
}
