import type { S3Client } from '@aws-sdk/client-s3';
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { createDynamoStores, type DynamoStores } from '#shared/adapters/dynamo/dynamo-stores.ts';
import { createDynamoTable, type DynamoTable } from '#shared/adapters/dynamo/dynamo-table.ts';
import type { Clock } from '#shared/core/clock.ts';
import { defined } from '#shared/core/defined.ts';
import type { RandomBytes } from '#shared/core/ids.ts';
import type { OutboxEntry } from '#shared/core/outbox.ts';
import { type Collector, createCollector } from '#shared/service/domain/payments/collect.ts';
import {
  createSettlement,
  type SettlementDeps,
  type SettlementService,
} from '#shared/service/domain/settlement.ts';
import type { BlobStore } from '#shared/service/ports/blob-store.ts';
import type { PaymentGateway } from '#shared/service/ports/payment-gateway.ts';
import { createCancelMark } from './cancel-mark.ts';
import type { JsonLog } from './json-log.ts';
import { createLoggedLedger } from './logged-ledger.ts';
import { createS3BlobStore } from './s3-blob-store.ts';

/** What every function is given: the way to the world. */
export interface Platform {
  readonly dynamo: DynamoDBDocumentClient;
  readonly s3: S3Client;
  readonly sqs: SQSClient;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
  readonly random: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  readonly log: JsonLog;
}

/** Takes the webhooks that a change of a job has written; those not carried wait for the sweep. */
export type OnWebhooks = (entries: readonly OutboxEntry[]) => void;

/** What most functions are made of: stores, blobs, and the ends of jobs. */
export interface AwsSystem extends DynamoStores {
  readonly table: DynamoTable;
  readonly blobs: BlobStore;
  /** @property collect settles payments, where the function can */
  readonly createSettlement: (
    onWebhooks?: OnWebhooks,
    collect?: SettlementDeps['collect'],
  ) => SettlementService;
  /** Settles payments over a way to move them. */
  readonly createCollector: (gateway: PaymentGateway) => Collector;
}

/** Puts the shared parts together over one table and one bucket. */
export function createAwsSystem(
  platform: Platform,
  names: { readonly tableName: string; readonly bucket: string; readonly recordDays?: number },
): AwsSystem {
  const { clock, randomBytes, random, sleep, log } = platform;
  const table = createDynamoTable({
    client: platform.dynamo,
    tableName: names.tableName,
    random,
    sleep,
  });
  const stores = createDynamoStores({
    table,
    clock,
    randomBytes,
    ...defined({ recordDays: names.recordDays }),
  });
  const blobs = createS3BlobStore({ client: platform.s3, bucket: names.bucket, clock });
  const ledger = createLoggedLedger(stores.ledger, log);
  return {
    ...stores,
    ledger,
    table,
    blobs,
    createCollector: (gateway) =>
      createCollector({
        jobs: stores.jobs,
        gateway,
        blobs,
        clock,
        randomBytes,
        onChange: log.settled,
        onError: log.error,
      }),
    createSettlement: (onWebhooks, collect) =>
      createSettlement({
        collect,
        jobs: stores.jobs,
        blobs,
        queue: { cancel: createCancelMark(blobs) },
        clock,
        randomBytes,
        onChange: (job, outbox) => {
          if (outbox.length > 0) onWebhooks?.(outbox);
          if (job.completedAt !== undefined) log.settled(job);
        },
      }),
  };
}
