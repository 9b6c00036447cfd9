import { createAwsSystem, type Platform } from '#shared/adapters/aws/aws-system.ts';
import { createCancelMark } from '#shared/adapters/aws/cancel-mark.ts';
import { createDeployedEndpointLife } from '#shared/adapters/aws/endpoint-life.ts';
import { hasInstances } from '#shared/adapters/aws/environment.ts';
import { createWake } from '#shared/adapters/aws/wake-queue.ts';
import { createWebhookCarrier } from '#shared/adapters/aws/webhook-carrier.ts';
import { listLeasedJobs } from '#shared/adapters/dynamo/leased-jobs.ts';
import { microUsd } from '#shared/core/money.ts';
import { readMarks } from '#shared/service/domain/stored-marks.ts';
import { createAccountEraser } from '#shared/service/domain/account-deletion.ts';
import { createSweep } from '#shared/service/domain/sweep.ts';
import { createAccountEvents } from '#shared/service/domain/webhooks/account-events.ts';
import type { EndpointControl } from '#shared/service/ports/endpoint-control.ts';
import type { SweepConfig } from './config.ts';
import { createSweepHandler, isAuditDue } from './handler.ts';
import { createPaymentCollection } from './payment-collection.ts';

const HOUR_MS = 3_600_000;
/** How long after its deadline a job's own completion is waited for. */
const GRACE_MS = 60_000;
/** Rows of each kind at one time: what is left is the next minute's. */
const LIMIT = 200;

export interface SweepPlatform extends Platform {
  readonly readSecret: (id: string) => Promise<string>;
  readonly endpointControl: (variant: string) => EndpointControl;
}

/** The function over a platform. */
export function composeSweep(config: SweepConfig, platform: SweepPlatform) {
  const { log, clock, sqs: client } = platform;
  const names = {
    tableName: config.TABLE_NAME,
    bucket: config.OUTPUT_BUCKET_NAME,
    recordDays: config.RECORD_DAYS,
  };
  const system = createAwsSystem(platform, names);
  const onError = log.error;
  const life = createDeployedEndpointLife({
    table: system.table,
    variant: config.SCALED_VARIANT,
    controlOf: platform.endpointControl,
    models: config.MODELS,
    clock,
  });
  const { readSecret, sleep } = platform;
  const { createCollector } = system;
  const payments =
    config.X402 && createPaymentCollection(config, { createCollector, readSecret, sleep, onError });
  return createSweepHandler({
    createSettlement: (onWebhooks) => system.createSettlement(onWebhooks, payments?.collect),
    createSweep: (settlement) =>
      createSweep({
        jobs: system.jobs,
        ledger: system.ledger,
        queue: { cancel: createCancelMark(system.blobs) },
        settlement,
        settings: {
          graceMs: GRACE_MS,
          runningCancelsPerHour: config.RUNNING_CANCELS_PER_HOUR,
          retentionMs: config.RETENTION_HOURS * HOUR_MS,
          limit: LIMIT,
        },
        onError,
      }),
    readMarks: (job) => readMarks(job, system.blobs),
    listLeasedJobs: () => listLeasedJobs(system.table),
    async tendEndpoints() {
      for (const { name } of config.MODELS.filter(hasInstances)) await life?.tend(name);
    },
    tellAccounts: createAccountEvents({
      ...system,
      clock,
      randomBytes: platform.randomBytes,
      isAuditDue,
      leastPrice: microUsd(Math.min(...config.MODELS.map(({ price }) => price))),
      warmModels: () => life?.awake() ?? Promise.resolve([]),
      onError,
    }),
    settlePayments: async () => payments?.settled(),
    eraseAccounts: createAccountEraser({ ...system, onError }),
    outbox: system.outbox,
    ledger: system.ledger,
    carryWebhooks: createWebhookCarrier({
      client,
      queueUrl: config.WEBHOOK_QUEUE_URL,
      clock,
      onError,
    }),
    wakeDispatcher: createWake({ client, queueUrl: config.DISPATCH_QUEUE_URL, onError }),
    clock,
    log,
  });
}
