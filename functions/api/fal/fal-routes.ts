import { streamSSE } from 'hono/streaming';
import { answerError, commonHeaders } from '#functions/api/http/answer.ts';
import { authenticate, callerOf } from '#functions/api/http/authenticate.ts';
import type { ApiApp, ApiContext } from '#functions/api/http/context.ts';
import { notFound } from '#functions/api/http/errors.ts';
import type { RouteDeps } from '#functions/api/http/route-deps.ts';
import { finishedJob } from '#functions/api/predictions/finished-job.ts';
import { followJob } from '#functions/api/predictions/follow-job.ts';
import { toAppError } from '#shared/core/error-body.ts';
import { AppError } from '#shared/core/errors.ts';
import { isUlid, type JobId } from '#shared/core/ids.ts';
import { isTerminal, type Job } from '#shared/core/job.ts';
import { parseFalInput } from './fal-input.ts';
import { FAL_ROUTES } from './fal-schema.ts';
import { type FalTarget, parseFalPath, parseFalTarget } from './fal-target.ts';
import { falUrls, presentFalResult, presentFalStatus } from './present-fal.ts';

/** What fal's client sends: it submits, asks and cancels. */
const METHODS = ['POST', 'GET', 'PUT'];

/**
 * fal's dialect: `/fal/<model>` answers at once, `/fal/queue/<model>` is its queue API, and
 * `/fal/proxy` is a target for the `proxyUrl` of its client, which names the real one in a header.
 */
export function registerFal(app: ApiApp, deps: RouteDeps): void {
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
}

async function handle(c: ApiContext, deps: RouteDeps, target: FalTarget): Promise<Response> {
  const { method } = c.req;
  if (target.request === undefined) {
    if (method !== 'POST') throw notAllowed('POST', 'Submit a request with POST.');
    return submit(c, deps, target);
  }
  const job = await ownJob(c, deps, target.model, target.request.id);
  const { action } = target.request;
  if (action === 'cancel' && method === 'PUT') return cancel(c, deps, job);
  if (method !== 'GET') {
    const allow = action === 'cancel' ? 'PUT' : 'GET';
    throw notAllowed(allow, `${method} means nothing here.`);
  }
  if (action === 'status') return falJson(c, await statusOf(c, deps, job), 200, job);
  if (action === 'status/stream') return streamStatus(c, deps, job);
  if (action === 'result') return result(c, deps, job);
  throw notFound('route', action);
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
  const { job } = await deps.desk.submit(c, {
    model,
    dialect: 'fal',
    route: `fal/${model.name}`,
    input: parseFalInput(body),
    inputPath: [],
    ...(target.queued
      ? {}
      : { attachWithinMs: deps.settings.maxWaitMs + deps.settings.attachGraceMs }),
  });
  if (target.queued) {
    const { origin } = c.get('facts');
    const { queuePosition = 0 } = isTerminal(job.status) ? {} : await deps.estimator.estimate(job);
    return falJson(
      c,
      {
        status: 'IN_QUEUE',
        request_id: job.id,
        queue_position: queuePosition,
        ...falUrls(job, origin),
      },
      200,
      job,
    );
  }
  const ended = await finishedJob(c, deps, job);
  const inline = (body as { sync_mode?: unknown }).sync_mode === true;
  return falJson(c, await presentFalResult(deps, ended, c.get('facts').origin, inline), 200, ended);
}

async function statusOf(c: ApiContext, deps: RouteDeps, job: Job) {
  const estimate = isTerminal(job.status) ? undefined : await deps.estimator.estimate(job);
  return presentFalStatus(job, estimate, c.get('facts').origin);
}

function streamStatus(c: ApiContext, deps: RouteDeps, job: Job): Response {
  const { origin } = c.get('facts');
  for (const [name, value] of Object.entries(commonHeaders(c))) c.header(name, value);
  return streamSSE(c, async (stream) => {
    for await (const event of followJob(deps, job, {
      origin,
      lastId: 0,
      signal: c.req.raw.signal,
    })) {
      const latest = (await deps.jobs.get(job.id)) ?? job;
      if (event === 'idle') await stream.write(': still here\n\n');
      else await stream.writeSSE({ data: JSON.stringify(await statusOf(c, deps, latest)) });
      if (stream.aborted || isTerminal(latest.status)) return;
    }
  });
}

async function result(c: ApiContext, deps: RouteDeps, job: Job): Promise<Response> {
  if (!isTerminal(job.status)) {
    throw new AppError('invalid-request', 'The request is still in progress.');
  }
  const ended = await finishedJob(c, deps, job);
  return falJson(c, await presentFalResult(deps, ended, c.get('facts').origin, false), 200, ended);
}

async function cancel(c: ApiContext, deps: RouteDeps, job: Job): Promise<Response> {
  if (isTerminal(job.status)) return falJson(c, { status: 'ALREADY_COMPLETED' }, 400, job);
  await deps.settlement.cancelJob(job.id);
  return falJson(c, { status: 'CANCELLATION_REQUESTED' }, 202, job);
}

async function ownJob(c: ApiContext, deps: RouteDeps, model: string, id: string): Promise<Job> {
  const job = isUlid(id) ? await deps.jobs.get(id as JobId) : undefined;
  if (job?.account !== callerOf(c).account.id || job.model.name !== model) {
    throw notFound('request', id);
  }
  return job;
}

async function readJson(c: ApiContext): Promise<unknown> {
  try {
    return await c.req.json();
  } catch (cause) {
    throw new AppError('invalid-json', 'The body is not valid JSON.', { cause });
  }
}

function falJson(c: ApiContext, body: object, status: 200 | 202 | 400, job: Job): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: {
      ...commonHeaders(c),
      'content-type': 'application/json',
      'x-fal-request-id': job.id,
      'x-fal-billable-units': String(job.images.length),
    },
  });
}

/** The one error body; fal's client reads it only when it is called `application/json`. */
function falError(c: ApiContext, deps: RouteDeps, thrown: unknown): Response {
  const error = toAppError(thrown);
  if (error.status === 500) deps.onError(thrown, c.get('facts').requestId);
  const answer = answerError(c, error);
  answer.headers.set('content-type', 'application/json');
  answer.headers.set('x-fal-error-type', error.code.replaceAll('-', '_'));
  return answer;
}
