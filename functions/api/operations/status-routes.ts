import { jsonRoute } from '#functions/api/http/json-route.ts';
import type { RegisterRoutes, RouteDeps } from '#functions/api/http/route-deps.ts';
import { assertOperator } from '#functions/api/http/target-account.ts';
import { toIso } from '#shared/core/clock.ts';
import type { Job } from '#shared/core/job.ts';
import { addUsd } from '#shared/core/money.ts';
import { createActivityReader, type EndedSums } from '#shared/service/domain/activity.ts';
import { FAILURES, SAMPLES, type Status, StatusSchema } from './status-schema.ts';

/** `GET /v1/status`: queue, rate and money at this moment, all accounts; for the operator. */
export const registerStatus: RegisterRoutes = (app, deps) => {
  const activity = createActivityReader(deps);

  jsonRoute(app, deps, {
    method: 'get',
    path: '/v1/status',
    operationId: 'getStatus',
    scopes: ['admin'],
    summary: 'Queue, rate and money at this moment; for the operator',
    returns: 'Queue, rate and money',
    answer: StatusSchema,
    async handle(c) {
      assertOperator(c, deps);
      const [{ today, lastMinute, recent }, waiting, accounts, models] = await Promise.all([
        activity.read(),
        deps.jobs.queueDepth(),
        deps.ledger.listAccounts(),
        Promise.all(deps.catalog.models.map(({ name }) => modelStatus(deps, name))),
      ]);
      const jobsOf = (kind: 'capture' | 'release') => {
        const entries = recent.filter((entry) => entry.kind === kind && entry.job !== undefined);
        return Promise.all(
          entries.slice(0, SAMPLES).map(({ job }) => deps.jobs.get(job as Job['id'])),
        );
      };
      return {
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
        stage_ms: meanStages(await jobsOf('capture')),
        failures: (await jobsOf('release')).flatMap(toFailure).slice(0, FAILURES),
      };
    },
  });
};

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
