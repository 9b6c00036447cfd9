import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  createImageCheckEndpoint,
  ImageVerdictSchema,
} from '#shared/adapters/http/image-check-endpoint.ts';
import { AppError } from '#shared/core/errors.ts';
import type { BlockedImage } from '#shared/core/inference.ts';
import type { ImageCheck } from '#shared/service/ports/image-check.ts';
import type { MadeImage } from './worker-messages.ts';

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
  /** @throws AppError `unavailable` (retryable) when an image could not be checked */
  result(): Promise<CheckedImages>;
}

/** @param check absent: every image is allowed */
export function createTaskCheck(
  check: ImageCheck | undefined,
  { job, prompt }: { readonly job: string; readonly prompt: string },
): TaskCheck {
  const looks: Promise<{ image: MadeImage; verdict: Awaited<ReturnType<ImageCheck>> }>[] = [];
  return {
    add(image) {
      const { index, width, height, format } = image.record;
      const asked =
        check?.({ job, index, prompt, width, height, format, bytes: image.bytes }) ??
        Promise.resolve({ allowed: true } as const);
      const look = asked.then((verdict) => ({ image, verdict }));
      // result() reports its failure, if it is called at all.
      look.catch(() => undefined);
      looks.push(look);
    },
    async result() {
      const seen = await Promise.all(looks).catch((cause: unknown) => {
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
