import { parentPort } from 'node:worker_threads';
import { toAppError } from '#shared/core/error-body.ts';
import { inspectImage } from '#shared/provenance/verify/inspect-image.ts';
import type { FromInspector, ToInspector } from './image-inspector.ts';

/** The thread that looks at images for their marks: a second of arithmetic is too long for a server. */
let last: Promise<void> = Promise.resolve();
parentPort?.on('message', (message: ToInspector) => {
  // One after the other: a file of a few kilobytes can hold pixels for hundreds of megabytes.
  last = last.then(() => answer(message));
});

async function answer({ id, file }: ToInspector): Promise<void> {
  const answered: FromInspector = await inspectImage(file).then(
    (facts) => ({ id, facts }),
    (error: unknown) => {
      const { code, message } = toAppError(error);
      return { id, code, message };
    },
  );
  parentPort?.postMessage(answered);
}
