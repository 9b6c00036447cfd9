import { parentPort } from 'node:worker_threads';
import { toAppError } from '#shared/core/error-body.ts';
import { inspectImage } from '#shared/provenance/verify/inspect-image.ts';
import type { FromInspector, ToInspector } from './image-inspector.ts';

/** The thread that looks at images for their marks: a second of arithmetic is too long for a server. */
parentPort?.on('message', async ({ id, file }: ToInspector) => {
  const answer: FromInspector = await inspectImage(file).then(
    (facts) => ({ id, facts }),
    (error: unknown) => {
      const { code, message } = toAppError(error);
      return { id, code, message };
    },
  );
  parentPort?.postMessage(answer);
});
