import { request as httpRequest } from 'node:http';
import { z } from 'zod';
import { defined } from '#shared/core/defined.ts';
import {
  InferenceErrorSchema,
  type InferenceRequest,
  ReceiptSchema,
} from '#shared/core/inference.ts';
import { JOB_PHASES } from '#shared/core/job.ts';
import type { InferenceOutcome, Progress } from '#shared/service/ports/inference-queue.ts';

const StateSchema = z.object({
  phase: z.enum(JOB_PHASES),
  started_at: z.number().nullable(),
  images_done: z.number().int(),
});

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** There was nothing to send a call to. */
class UnreachedError extends Error {}

const isUnreached = (error: unknown): boolean =>
  error instanceof UnreachedError || (error as NodeJS.ErrnoException)?.code === 'ECONNREFUSED';

/**
 * Calls of the GPU function on loopback. `node:http` itself, because `fetch` gives up on an answer
 * that takes five minutes, as a large picture on a CPU may.
 */
export function createGpuClient(port: () => number | undefined) {
  const call = (method: string, path: string, json?: unknown): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const target = port();
      if (target === undefined) {
        reject(new UnreachedError('the GPU function is not running'));
        return;
      }
      const body = json === undefined ? undefined : JSON.stringify(json);
      const headers =
        body === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
      const outgoing = httpRequest({ host: '127.0.0.1', port: target, method, path, headers });
      outgoing.on('error', reject);
      outgoing.on('response', (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('error', reject);
        incoming.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          try {
            const parsed: unknown = text === '' ? undefined : JSON.parse(text);
            resolve({ status: incoming.statusCode ?? 0, body: parsed });
          } catch (error) {
            reject(error);
          }
        });
      });
      outgoing.end(body);
    });

  return {
    async isReady(): Promise<boolean> {
      return call('GET', '/ping').then(
        ({ status }) => status === 200,
        () => false,
      );
    },

    /**
     * Runs a job to its end. A function that went away in between is a retryable failure; one that could
     * not be reached has refused the job.
     */
    async invoke(request: InferenceRequest): Promise<InferenceOutcome> {
      try {
        const { status, body } = await call('POST', '/invocations', request);
        if (status === 200) return { kind: 'completed', receipt: ReceiptSchema.parse(body) };
        const { code, message, retryable, images } = InferenceErrorSchema.parse(body).error;
        return { kind: 'failed', code, message, retryable, images: images ?? [] };
      } catch (error) {
        if (isUnreached(error)) return { kind: 'refused' };
        const message = 'The inference process went away.';
        return { kind: 'failed', code: 'unavailable', message, retryable: true, images: [] };
      }
    },

    async cancel(job: string): Promise<void> {
      // A job that is no longer there has ended already.
      await call('DELETE', `/invocations/${job}`).catch(() => undefined);
    },

    /** The state of a job that is there; undefined otherwise. */
    async progress(job: string): Promise<Progress | undefined> {
      const answer = await call('GET', `/jobs/${job}`).catch(() => undefined);
      if (answer?.status !== 200) return undefined;
      const { phase, started_at, images_done } = StateSchema.parse(answer.body);
      return {
        phase,
        imagesDone: images_done,
        ...defined({ startedAt: started_at ?? undefined }),
      };
    },
  };
}

export type GpuClient = ReturnType<typeof createGpuClient>;
