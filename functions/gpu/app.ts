import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { AppError } from '#shared/core/errors.ts';
import { inferenceError } from './inference-error.ts';
import type { ServedModel } from './models.ts';
import { readTask } from './read-task.ts';
import type { TaskQueue } from './task-queue.ts';

export interface GpuAppDeps {
  readonly models: () => readonly ServedModel[];
  readonly queue: TaskQueue;
  /** Whether a warm-up image has succeeded and the function takes tasks. */
  readonly isReady: () => boolean;
  readonly onError: (error: unknown, job: string | undefined) => void;
}

/** SageMaker's inline payloads end at 128,000 bytes. */
const MAX_BODY_BYTES = 256 * 1024;

/**
 * SageMaker's container contract, `/ping` and `/invocations`, and beside it what an embedding server
 * needs: a task's progress and its cancellation.
 */
export function createGpuApp(deps: GpuAppDeps): Hono {
  const app = new Hono();
  const fail = (error: unknown, job?: string): Response => {
    const { status, body } = inferenceError(error);
    if (status >= 500) deps.onError(error, job);
    return Response.json(body, { status });
  };
  const limit = bodyLimit({
    maxSize: MAX_BODY_BYTES,
    onError() {
      const answer = fail(
        new AppError('invalid-input', `The body is longer than ${MAX_BODY_BYTES} bytes.`),
      );
      // The server cuts a connection whose body was not read; no other request must be on it then.
      answer.headers.set('connection', 'close');
      return answer;
    },
  });

  app.get('/ping', (c) =>
    deps.isReady() ? c.json({ status: 'ready' }) : c.json({ status: 'loading' }, 503),
  );

  app.post('/invocations', limit, async (c) => {
    let job: string | undefined;
    try {
      const task = readTask(await c.req.text(), deps.models());
      job = task.request.job;
      return c.json(await deps.queue.submit(task));
    } catch (error) {
      return fail(error, job);
    }
  });

  app.get('/jobs/:job', (c) => {
    const state = deps.queue.state(c.req.param('job'));
    if (state === undefined) return c.json({ phase: null }, 404);
    return c.json({
      phase: state.phase,
      started_at: state.startedAt ?? null,
      images_done: state.imagesDone,
    });
  });

  app.delete('/invocations/:job', (c) =>
    deps.queue.cancel(c.req.param('job')) ? c.body(null, 202) : c.body(null, 404),
  );

  app.notFound(() =>
    Response.json(inferenceError(new AppError('invalid-input', 'There is no such route.')).body, {
      status: 404,
    }),
  );
  app.onError((error) => fail(error));
  return app;
}
