import { z } from '@hono/zod-openapi';
import { answerJsonText, commonHeaders } from '#functions/api/http/answer.ts';
import { callerOf } from '#functions/api/http/authenticate.ts';
import { IdParams, PeriodBound } from '#functions/api/http/common-schema.ts';
import type { ApiContext } from '#functions/api/http/context.ts';
import { apiRoute, jsonRoute } from '#functions/api/http/json-route.ts';
import type { RegisterRoutes, RouteDeps } from '#functions/api/http/route-deps.ts';
import { toEpochMs } from '#shared/core/clock.ts';
import { defined } from '#shared/core/defined.ts';
import { AppError } from '#shared/core/errors.ts';
import type { JobId } from '#shared/core/ids.ts';
import { isTerminal, type Job } from '#shared/core/job.ts';
import type { JobQuery } from '#shared/service/ports/job-store.ts';
import { ownJob } from './own-job.ts';
import { PredictionPageSchema, PredictionSchema } from './prediction-schema.ts';
import { createPredictionText } from './prediction-text.ts';

const PAGE_SIZE = 100;
/** How long a cancel waits for a running job to stop, so that its answer can say `canceled`. */
const CANCEL_WAIT_MS = 3000;

const ListQuerySchema = z.object({
  created_after: PeriodBound.optional(),
  created_before: PeriodBound.optional(),
  cursor: z
    .string()
    .regex(/^[ab]\.[0-9a-hjkmnp-tv-z]{26}$/, 'is not a cursor of this list')
    .optional(),
  limit: z.coerce.number().int().min(1).max(PAGE_SIZE).optional(),
  tag: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{1,64}:.{0,256}$/, 'must be name:value')
    .optional()
    .describe('Only predictions whose metadata has this: name:value'),
});
type ListQuery = z.infer<typeof ListQuerySchema>;

const readers = ['read', 'predict'] as const;

/** Reading, listing, cancelling and erasing predictions. */
export const registerPredictions: RegisterRoutes = (app, deps) => {
  const textOf = createPredictionText(deps);

  jsonRoute(app, deps, {
    method: 'get',
    path: '/v1/predictions/{id}',
    operationId: 'getPrediction',
    scopes: readers,
    summary: 'Get a prediction',
    params: IdParams,
    returns: 'The prediction',
    answer: PredictionSchema,
    failures: [404],
    async handle(c, { params: { id } }) {
      const job = await ownJob(c, deps, id);
      return answerJsonText(c, 200, await textOf(job, c.get('facts').origin));
    },
  });

  jsonRoute(app, deps, {
    method: 'get',
    path: '/v1/predictions',
    operationId: 'listPredictions',
    scopes: readers,
    summary: 'List predictions, newest first',
    query: ListQuerySchema,
    returns: 'A page of predictions',
    answer: PredictionPageSchema,
    async handle(c, { query }) {
      const { origin } = c.get('facts');
      const { jobs, next, previous } = await readPage(deps, toJobQuery(c, query));
      return {
        next: linkTo(origin, query, next),
        previous: linkTo(origin, query, previous),
        results: await Promise.all(jobs.map((job) => deps.present(job, origin))),
      };
    },
  });

  jsonRoute(app, deps, {
    method: 'post',
    path: '/v1/predictions/{id}/cancel',
    operationId: 'cancelPrediction',
    scopes: ['predict'],
    summary: 'Cancel a prediction; a finished one is left as it is',
    description:
      'A waiting prediction ends at once and is free. An account may stop so many running ones an hour, by this or by `Cancel-After`; past that a prediction is finished and charged, and `warnings` says `too-many-cancels`.',
    params: IdParams,
    returns: 'The prediction',
    answer: PredictionSchema,
    failures: [404],
    async handle(c, { params: { id } }) {
      const job = await ownJob(c, deps, id);
      const { runningCancelsPerHour } = deps.settings;
      const asked = (await deps.settlement.cancelJob(job.id, runningCancelsPerHour)) ?? job;
      const runsOn = asked.cancelRequestedAt === undefined;
      const latest =
        isTerminal(asked.status) || runsOn
          ? asked
          : await deps.watcher.waitForEnd(asked, CANCEL_WAIT_MS, c.req.raw.signal);
      return deps.present(latest ?? asked, c.get('facts').origin);
    },
  });

  apiRoute(app, deps, {
    method: 'delete',
    path: '/v1/predictions/{id}',
    operationId: 'erasePrediction',
    scopes: ['predict'],
    summary: 'Erase a prediction’s input and output; its charge stays in the ledger',
    params: IdParams,
    responses: { 204: { description: 'Erased' } },
    failures: [404, 409],
    async handle(c, { params: { id } }) {
      const job = await ownJob(c, deps, id);
      const after =
        job.dataRemovedAt === undefined ? await deps.settlement.removeJobData(job.id) : job;
      if (after !== undefined && !isTerminal(after.status)) {
        throw new AppError('conflict', 'The prediction has not ended. Cancel it first.');
      }
      return new Response(null, { status: 204, headers: commonHeaders(c) });
    },
  });
};

function toJobQuery(c: ApiContext, query: ListQuery): JobQuery {
  const [direction, id] = query.cursor?.split('.') ?? [];
  const [name = '', ...value] = query.tag?.split(':') ?? [];
  return {
    account: callerOf(c).account.id,
    limit: query.limit ?? PAGE_SIZE,
    ...(id === undefined ? {} : { [direction === 'a' ? 'after' : 'before']: id as JobId }),
    ...defined({
      createdAfter: toEpochMs(query.created_after),
      createdBefore: toEpochMs(query.created_before),
    }),
    ...(query.tag === undefined ? {} : { tag: { name, value: value.join(':') } }),
  };
}

interface Page {
  readonly jobs: readonly Job[];
  readonly next: string | undefined;
  readonly previous: string | undefined;
}

/** A page newest first, and the cursors of its neighbours; one job more is read than is shown. */
async function readPage(deps: Pick<RouteDeps, 'jobs'>, query: JobQuery): Promise<Page> {
  const found = await deps.jobs.list({ ...query, limit: query.limit + 1 });
  const more = found.length > query.limit;
  const page = found.slice(0, query.limit);
  const backwards = query.after !== undefined;
  const jobs = backwards ? page.toReversed() : page;
  const older = backwards || more;
  const newer = backwards ? more : query.before !== undefined;
  const [first, last] = [jobs[0]?.id, jobs.at(-1)?.id];
  return {
    jobs,
    next: older && last !== undefined ? `b.${last}` : undefined,
    previous: newer && first !== undefined ? `a.${first}` : undefined,
  };
}

/** Links are absolute: clients resolve relative ones against the wrong base. */
function linkTo(origin: string, query: ListQuery, cursor: string | undefined): string | null {
  if (cursor === undefined) return null;
  const parameters = new URLSearchParams({ cursor });
  for (const name of ['created_after', 'created_before', 'tag'] as const) {
    const value = query[name];
    if (value !== undefined) parameters.set(name, value);
  }
  if (query.limit !== undefined) parameters.set('limit', String(query.limit));
  return `${origin}/v1/predictions?${parameters}`;
}
