import { createRoute, z } from '@hono/zod-openapi';
import { answerJson } from '#functions/api/answer.ts';
import { authenticate } from '#functions/api/authenticate.ts';
import type { ApiApp } from '#functions/api/context.ts';
import type { RouteDeps } from '#functions/api/route-deps.ts';
import { errorResponses } from '#functions/api/schemas/error.ts';
import { DateTime, MicroUsd } from '#functions/api/schemas/prediction.ts';
import { assertOperator } from '#functions/api/target-account.ts';
import { toIso } from '#shared/core/clock.ts';
import { JOB_PHASES, type Job } from '#shared/core/job.ts';
import { addUsd } from '#shared/core/money.ts';
import { createActivityReader, type EndedSums } from '#shared/domain/activity.ts';

/** Jobs whose stages are averaged, and failures that are told. */
const SAMPLES = 20;
const FAILURES = 5;

const count = z.number().int();
const SumsSchema = z.object({
  charged: count.describe('Jobs that were charged'),
  released: count.describe('Jobs that cost nothing: failed, or cancelled before an image'),
  images: count,
  amount: MicroUsd,
});

const StatusSchema = z
  .object({
    at: DateTime,
    waiting: count.describe('Open jobs that wait for their turn'),
    running: count.nullable().describe('Jobs that the GPU function has'),
    balance: MicroUsd.describe('What all accounts can spend'),
    held: MicroUsd.describe('What open jobs may still cost'),
    models: z.array(
      z.object({
        name: z.string(),
        phase: z.enum(JOB_PHASES).describe('What an order would meet now'),
        eta_seconds: count,
        running: count.nullable(),
      }),
    ),
    last_minute: SumsSchema,
    today: SumsSchema.describe('Since midnight, UTC'),
    stage_ms: z
      .record(z.string(), z.number())
      .describe(`Mean milliseconds of each stage, of the last ${SAMPLES} jobs at most`),
    failures: z
      .array(
        z.object({
          id: z.string(),
          at: DateTime,
          model: z.string(),
          code: z.string(),
          message: z.string(),
        }),
      )
      .describe('The latest of the last ten minutes'),
  })
  .openapi('Status');
export type Status = z.infer<typeof StatusSchema>;

/** `GET /v1/status`: queue, rate and money at this moment, all accounts; for the operator. */
export function registerStatus(app: ApiApp, deps: RouteDeps): void {
  const activity = createActivityReader(deps);
  const route = createRoute({
    method: 'get',
    path: '/v1/status',
    summary: 'Queue, rate and money at this moment; for the operator',
    security: [{ key: [] }],
    middleware: [authenticate(deps, 'admin')],
    responses: {
      200: {
        description: 'How it stands',
        content: { 'application/json': { schema: StatusSchema } },
      },
      ...errorResponses(),
    },
  });

  app.openapi(route, async (c) => {
    assertOperator(c, deps);
    const [{ today, lastMinute, recent }, waiting, accounts, models] = await Promise.all([
      activity.read(),
      deps.jobs.queueDepth(),
      deps.ledger.listAccounts(),
      Promise.all(deps.catalog.models.map(({ name }) => modelStatus(deps, name))),
    ]);
    const jobsOf = async (kind: 'capture' | 'release', limit: number) =>
      Promise.all(
        recent
          .filter((entry) => entry.kind === kind && entry.job !== undefined)
          .slice(0, limit)
          .map(({ job }) => deps.jobs.get(job as Job['id'])),
      );
    const status: Status = {
      at: toIso(deps.clock.now()),
      waiting,
      running: models.some(({ running }) => running === null)
        ? null
        : models.reduce((sum, { running }) => sum + (running ?? 0), 0),
      balance: addUsd(...accounts.map(({ balance }) => balance)),
      held: addUsd(...accounts.map(({ held }) => held)),
      models,
      last_minute: toSums(lastMinute),
      today: toSums(today),
      stage_ms: meanStages(await jobsOf('capture', SAMPLES)),
      failures: (await jobsOf('release', SAMPLES)).flatMap(toFailure).slice(0, FAILURES),
    };
    return answerJson(c, 200, status);
  });
}

async function modelStatus(deps: RouteDeps, name: string) {
  const { phase, etaSeconds } = await deps.estimator.forecast(name, 1);
  const running = (await deps.countRunning?.(name)) ?? null;
  return { name, phase, eta_seconds: etaSeconds, running };
}

function toSums({ charged, released, images, amount }: EndedSums): Status['today'] {
  return { charged, released, images, amount };
}

function toFailure(job: Job | undefined): Status['failures'] {
  if (job?.error === undefined) return [];
  const { code, message } = job.error;
  const at = toIso(job.completedAt ?? job.createdAt);
  return [{ id: job.id, at, model: job.model.name, code: code.replaceAll('-', '_'), message }];
}

/** Queue and stages, as a prediction's `metrics` name them. */
function meanStages(jobs: readonly (Job | undefined)[]): Record<string, number> {
  const rows = jobs.flatMap((job) => {
    if (job?.receipt === undefined) return [];
    const { load, text, unet, vae, encode, upload } = job.receipt.ms;
    const queue = Math.max(0, (job.startedAt ?? job.createdAt) - job.createdAt);
    return [{ queue, load, text, unet, decode: vae, encode, upload }];
  });
  const [first] = rows;
  if (first === undefined) return {};
  return Object.fromEntries(
    Object.keys(first).map((stage) => {
      const sum = rows.reduce((total, row) => total + row[stage as keyof typeof row], 0);
      return [stage, Math.round((sum / rows.length) * 10) / 10];
    }),
  );
}
