import type { z } from '@hono/zod-openapi';
import { answerError, answerEvents, answerJson } from '#functions/api/http/answer.ts';
import { authenticate } from '#functions/api/http/authenticate.ts';
import type { ApiContext } from '#functions/api/http/context.ts';
import { notFound, reported } from '#functions/api/http/errors.ts';
import type { RegisterRoutes, RouteDeps } from '#functions/api/http/route-deps.ts';
import { finishedJob } from '#functions/api/predictions/finished-job.ts';
import { followJob } from '#functions/api/predictions/follow-job.ts';
import { ownJob } from '#functions/api/predictions/own-job.ts';
import { AppError } from '#shared/core/errors.ts';
import { isTerminal, type Job } from '#shared/core/job.ts';
import { parseFalInput } from './fal-input.ts';
import {
  FAL_ROUTES,
  FalCancelSchema,
  FalEndedSchema,
  FalResultSchema,
  FalStatusSchema,
} from './fal-schema.ts';
import { type FalTarget, parseFalPath, parseFalTarget } from './fal-target.ts';
import { falUrls, presentFalResult, presentFalStatus } from './present-fal.ts';

/** The methods of fal's client: it submits, asks and cancels. */
const METHODS = ['POST', 'GET', 'PUT'];

/**
 * fal's dialect: `/fal/<model>` answers at once, `/fal/queue/<model>` is its queue API, and
 * `/fal/proxy` is a target for the `proxyUrl` of its client, which names the real one in a header.
 */
export const registerFal: RegisterRoutes = (app, deps) => {
  for (const route of FAL_ROUTES) app.openAPIRegistry.registerPath(route);
  const middleware = authenticate(deps, 'predict');
  const door = (parse: (c: ApiContext) => FalTarget) => async (c: ApiContext) => {
    try {
      return await handle(c, deps, parse(c));
    } catch (thrown) {
      return falError(c, deps, thrown);
    }
  };
  const query = (c: ApiContext) => new URL(c.req.url).searchParams;
  app.on(
    METHODS,
    '/fal/proxy',
    middleware,
    door((c) => parseFalTarget(c.req.header('x-fal-target-url'))),
  );
  app.on(
    METHODS,
    '/fal/queue/*',
    middleware,
    door((c) => parseFalPath(true, c.req.path.slice('/fal/queue/'.length), query(c))),
  );
  app.post(
    '/fal/*',
    middleware,
    door((c) => parseFalPath(false, c.req.path.slice('/fal/'.length), query(c))),
  );
};

async function handle(c: ApiContext, deps: RouteDeps, target: FalTarget): Promise<Response> {
  const { method } = c.req;
  if (target.request === undefined) {
    if (method !== 'POST') throw notAllowed('POST', 'Submit a request with POST.');
    return submit(c, deps, target);
  }
  const { id, action } = target.request;
  const job = await ownJob(c, deps, id, 'request');
  if (job.model.name !== target.model) throw notFound('request', id);
  if (action === 'cancel' && method === 'PUT') return cancel(c, deps, job);
  if (method !== 'GET') {
    const allow = action === 'cancel' ? 'PUT' : 'GET';
    throw notAllowed(allow, `This path takes ${allow}, not ${method}.`);
  }
  if (action === 'status')
    return falJson(c, 200, FalStatusSchema, await statusOf(c, deps, job), job);
  if (action === 'status/stream') return streamStatus(c, deps, job);
  if (action !== 'result') throw notFound('route', action);
  if (isTerminal(job.status)) return falResult(c, deps, job, false);
  throw new AppError('invalid-request', 'The request is still in progress.');
}

function notAllowed(allow: string, message: string): AppError {
  return new AppError('method-not-allowed', message, { details: { allow } });
}

async function submit(c: ApiContext, deps: RouteDeps, target: FalTarget): Promise<Response> {
  const model = deps.catalog.find(target.model);
  if (model === undefined) throw notFound('model', target.model);
  if (target.query.has('fal_webhook')) {
    throw new AppError(
      'invalid-request',
      'fal_webhook is not supported. Order through /v1/predictions with "webhook" instead.',
      { details: { param: 'fal_webhook' } },
    );
  }
  const body = await readJson(c);
  const { job } = await deps.intake.submit(c, {
    model,
    dialect: 'fal',
    route: `fal/${model.name}`,
    input: parseFalInput(body, model),
    inputPath: [],
    cannotPoll: !target.queued,
  });
  const { origin } = c.get('facts');
  if (target.queued) {
    const { queuePosition = 0 } = isTerminal(job.status) ? {} : await deps.estimator.estimate(job);
    const request = { request_id: job.id, queue_position: queuePosition, ...falUrls(job, origin) };
    return falJson(c, 200, FalStatusSchema, { status: 'IN_QUEUE', ...request }, job);
  }
  const inline = (body as { sync_mode?: unknown }).sync_mode === true;
  return falResult(c, deps, job, inline);
}

/** The images of a job, once it has ended. */
async function falResult(
  c: ApiContext,
  deps: RouteDeps,
  job: Job,
  inline: boolean,
): Promise<Response> {
  const ended = await finishedJob(c, deps, job);
  const result = await presentFalResult(deps, ended, c.get('facts').origin, inline);
  return falJson(c, 200, FalResultSchema, result, ended);
}

async function statusOf(c: ApiContext, deps: RouteDeps, job: Job) {
  const estimate = isTerminal(job.status) ? undefined : await deps.estimator.estimate(job);
  return presentFalStatus(job, estimate, c.get('facts').origin);
}

function streamStatus(c: ApiContext, deps: RouteDeps, job: Job): Response {
  const options = { origin: c.get('facts').origin, lastId: 0, signal: c.req.raw.signal };
  return answerEvents(c, async (stream) => {
    for await (const event of followJob(deps, job, options)) {
      const latest = (await deps.jobs.get(job.id)) ?? job;
      if (event === 'idle') await stream.write(': still here\n\n');
      else await stream.writeSSE({ data: JSON.stringify(await statusOf(c, deps, latest)) });
      if (stream.aborted || isTerminal(latest.status)) return;
    }
  });
}

async function cancel(c: ApiContext, deps: RouteDeps, job: Job): Promise<Response> {
  if (isTerminal(job.status)) {
    return falJson(c, 400, FalEndedSchema, { status: 'ALREADY_COMPLETED' }, job);
  }
  await deps.settlement.cancelJob(job.id, deps.settings.runningCancelsPerHour);
  return falJson(c, 202, FalCancelSchema, { status: 'CANCELLATION_REQUESTED' }, job);
}

async function readJson(c: ApiContext): Promise<unknown> {
  try {
    return await c.req.json();
  } catch (cause) {
    throw new AppError('invalid-json', 'The body is not valid JSON.', { cause });
  }
}

function falJson<Schema extends z.ZodType>(
  c: ApiContext,
  status: number,
  schema: Schema,
  body: z.input<Schema>,
  job: Job,
): Response {
  return answerJson(c, status, schema, body, {
    'x-fal-request-id': job.id,
    'x-fal-billable-units': String(job.images.length),
  });
}

/** The one error body, and its code where fal's client looks for it. */
function falError(c: ApiContext, deps: RouteDeps, thrown: unknown): Response {
  const error = reported(c, deps, thrown);
  const answer = answerError(c, error);
  answer.headers.set('x-fal-error-type', error.code.replaceAll('-', '_'));
  return answer;
}
