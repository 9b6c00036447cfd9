import { Worker } from 'node:worker_threads';
import { AppError, type ErrorCode } from '#shared/core/errors.ts';
import type { ImageFacts } from '#shared/provenance/verify/inspect-image.ts';

export interface ToInspector {
  readonly id: number;
  readonly file: Uint8Array;
}
export type FromInspector = { readonly id: number } & (
  | { readonly facts: ImageFacts }
  | { readonly code: ErrorCode; readonly message: string }
);

/** Reads image files on a thread of its own, which begins with the first. */
export interface ImageInspector {
  inspect(file: Uint8Array): Promise<ImageFacts>;
  close(): Promise<void>;
}

interface Waiting {
  resolve(facts: ImageFacts): void;
  reject(error: AppError): void;
}

const PROGRAM = new URL('./inspect-thread.mjs', import.meta.url);

/** Files that may wait: each of them is held in memory. */
const MOST_WAITING = 8;

export function createImageInspector(): ImageInspector {
  const waiting = new Map<number, Waiting>();
  let thread: Worker | undefined;
  let last = 0;

  const failAll = (cause: unknown): void => {
    thread = undefined;
    for (const { reject } of waiting.values()) {
      reject(new AppError('internal-error', 'The reader of images ended.', { cause }));
    }
    waiting.clear();
  };
  const start = (): Worker => {
    const started = new Worker(PROGRAM, { execArgv: [] });
    started.on('message', (answer: FromInspector) => {
      const asked = waiting.get(answer.id);
      waiting.delete(answer.id);
      if ('facts' in answer) asked?.resolve(answer.facts);
      else asked?.reject(new AppError(answer.code, answer.message));
    });
    started.on('error', failAll);
    started.unref();
    return started;
  };

  return {
    inspect(file) {
      if (waiting.size >= MOST_WAITING) {
        const details = { retry_after: 2 };
        const problem = 'Too many images are being looked at. Try again shortly.';
        return Promise.reject(new AppError('unavailable', problem, { details }));
      }
      thread ??= start();
      last += 1;
      const message: ToInspector = { id: last, file };
      thread.postMessage(message);
      return new Promise((resolve, reject) => waiting.set(message.id, { resolve, reject }));
    },
    async close() {
      await thread?.terminate();
    },
  };
}
