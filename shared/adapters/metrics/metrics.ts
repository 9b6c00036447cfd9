import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { isTerminal, type Job } from '#shared/core/job.ts';
import type { DeliveryAttempt } from '#shared/core/outbox.ts';
import type { JobStore } from '#shared/service/ports/job-store.ts';
import type { Ledger } from '#shared/service/ports/ledger.ts';
import type { AttemptResult } from '#shared/service/ports/outbox.ts';

const STAGE_SECONDS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const QUEUE_SECONDS = [0.1, 0.5, 1, 5, 15, 60, 180, 600, 1800];
const REQUEST_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 15, 60];

interface RequestFigures {
  readonly method: string;
  /** The route's pattern, never the path: one series per route. */
  readonly route: string;
  readonly status: number;
  readonly durationMs: number;
}

interface MetricsDeps {
  readonly jobs: Pick<JobStore, 'queueDepth'>;
  readonly ledger: Pick<Ledger, 'totals'>;
}

/** Metrics of one process, in Prometheus' text format. Queue depth and money are read from the stores at each scrape. */
export function createMetrics(deps: MetricsDeps) {
  const registers = [new Registry()];
  const [registry] = registers as [Registry];
  registerStoreGauges(deps, registers);
  const requests = new Histogram({
    name: 'onestep_http_request_seconds',
    help: 'Time from a request to the beginning of its answer',
    labelNames: ['method', 'route', 'status'],
    buckets: REQUEST_SECONDS,
    registers,
  });
  const observeJob = createJobObserver(registers);
  const deliveries = new Counter({
    name: 'onestep_webhook_attempts_total',
    help: 'Attempts to deliver a webhook, by what came after',
    labelNames: ['next', 'failure'],
    registers,
  });
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    observeRequest: ({ method, route, status, durationMs }: RequestFigures) =>
      requests.observe({ method, route, status }, durationMs / 1000),
    /** Counts a job when it has ended. */
    observeJob,
    observeDelivery: (attempt: DeliveryAttempt, { next }: AttemptResult) =>
      deliveries.inc({ next, failure: attempt.failure ?? 'none' }),
  };
}

export type Metrics = ReturnType<typeof createMetrics>;

function createJobObserver(registers: Registry[]): (job: Job) => void {
  const ended = new Counter({
    name: 'onestep_jobs_total',
    help: 'Predictions that ended',
    labelNames: ['model', 'dialect', 'status'],
    registers,
  });
  const images = new Counter({
    name: 'onestep_images_total',
    help: 'Images delivered',
    labelNames: ['model'],
    registers,
  });
  const queued = new Histogram({
    name: 'onestep_queue_seconds',
    help: 'Time from a prediction to its start',
    labelNames: ['model'],
    buckets: QUEUE_SECONDS,
    registers,
  });
  const stages = new Histogram({
    name: 'onestep_stage_seconds',
    help: 'Time of each stage of a prediction',
    labelNames: ['model', 'stage'],
    buckets: STAGE_SECONDS,
    registers,
  });
  return (job) => {
    if (!isTerminal(job.status)) return;
    const model = job.model.name;
    ended.inc({ model, dialect: job.dialect, status: job.status });
    images.inc({ model }, job.images.length);
    if (job.startedAt !== undefined) {
      queued.observe({ model }, Math.max(0, job.startedAt - job.createdAt) / 1000);
    }
    for (const [stage, ms] of Object.entries(job.receipt?.ms ?? {})) {
      stages.observe({ model, stage }, ms / 1000);
    }
  };
}

function registerStoreGauges({ jobs, ledger }: MetricsDeps, registers: Registry[]): void {
  new Gauge({
    name: 'onestep_queue_depth',
    help: 'Predictions that wait for a worker',
    registers,
    async collect() {
      this.set(await jobs.queueDepth());
    },
  });
  new Gauge({
    name: 'onestep_money_micro_usd',
    help: 'Sums over all accounts: balances + held - owed = granted - captured - expired - reversed',
    labelNames: ['sum'],
    registers,
    async collect() {
      for (const [sum, amount] of Object.entries(await ledger.totals())) this.set({ sum }, amount);
    },
  });
}
