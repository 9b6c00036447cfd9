import { Hono } from 'hono';
import { expect, it } from 'vitest';
import { createErrorHandler } from '#functions/api/http/errors.ts';
import { AppError } from '#shared/core/errors.ts';

async function handle(thrown: Error) {
  const logged: unknown[] = [];
  const onError = (error: unknown) => void logged.push(error);
  const app = new Hono<{ Variables: { facts: never } }>();
  app.use(async (c, next) => {
    c.set('facts', { requestId: 'req_1' } as never);
    await next();
  });
  app.get('/', () => {
    throw thrown;
  });
  app.onError(createErrorHandler({ onError }) as never);
  return { answer: await app.request('/'), logged };
}

it("tells the client of a service that is down, and the operator of its service's own words", async () => {
  const cause = new Error('Rate exceeded for table onestep');
  const thrown = new AppError('unavailable', 'The database is not available. Try again.', {
    cause,
    retryable: true,
    details: { retry_after: 1 },
  });
  const { answer, logged } = await handle(thrown);
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
  expect(await answer.text()).not.toContain('Rate exceeded');
  expect(logged).toEqual([thrown]);
});

it('logs no refusal that is meant', async () => {
  expect((await handle(new AppError('model-loading', 'The model is starting.'))).logged).toEqual(
    [],
  );
  expect((await handle(new AppError('unavailable', 'Paused.'))).logged).toEqual([]);
  expect((await handle(new AppError('not-found', 'No.'))).logged).toEqual([]);
});
