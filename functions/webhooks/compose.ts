import type { Platform } from '#shared/adapters/aws/aws-system.ts';
import type { JsonLog } from '#shared/adapters/aws/json-log.ts';
import { createS3BlobStore } from '#shared/adapters/aws/s3-blob-store.ts';
import { receiptSigningKey, streamMac } from '#shared/adapters/aws/secret-keys.ts';
import { createDynamoStores } from '#shared/adapters/dynamo/dynamo-stores.ts';
import { createDynamoTable } from '#shared/adapters/dynamo/dynamo-table.ts';
import { createSafeFetch, type SafeFetch } from '#shared/adapters/http/safe-fetch.ts';
import { signStandardWebhook } from '#shared/adapters/http/standard-webhooks.ts';
import { isTerminal, type Job } from '#shared/core/job.ts';
import type { Estimate } from '#shared/service/domain/estimator.ts';
import { createPresenter } from '#shared/service/domain/present-prediction.ts';
import type { Outbox } from '#shared/service/ports/outbox.ts';
import type { WebhooksConfig } from './config.ts';
import { createWebhookHandler } from './handler.ts';

const URL_TTL_MS = 15 * 60_000;
const EXPECTED_IMAGE_MS = 1_500;

export interface WebhooksPlatform extends Platform {
  readonly readSecret: (id: string) => Promise<string>;
}

/** The function over a platform. `send` is for tests whose receivers are on this machine. */
export function composeWebhooks(
  config: WebhooksConfig,
  platform: WebhooksPlatform,
  send: SafeFetch = createSafeFetch({
    allowLocal: false,
    timeoutMs: config.TIMEOUT_SECONDS * 1000,
  }),
) {
  const { clock, randomBytes, log } = platform;
  const table = createDynamoTable({ client: platform.dynamo, tableName: config.TABLE_NAME });
  const { jobs, outbox } = createDynamoStores({
    table,
    clock,
    randomBytes,
    recordDays: config.RECORD_DAYS,
  });
  const bucket = config.OUTPUT_BUCKET_NAME;
  const presenting = {
    blobs: createS3BlobStore({ client: platform.s3, bucket, clock }),
    clock,
    settings: { urlTtlMs: URL_TTL_MS },
  };
  const origin = config.PUBLIC_URL.replace(/\/+$/, '');
  /** As the API shows it, with the keys that are in force now. */
  const render = async (job: Job) => {
    const secret = await platform.readSecret(config.RECEIPT_SECRET_ARN);
    const presenter = createPresenter({
      ...presenting,
      receiptSigningKey: receiptSigningKey(secret),
      streamMac: (job, endsAt) => streamMac(secret, job, endsAt),
    });
    return presenter.present(job, origin, runningEstimate(job));
  };
  return createWebhookHandler({
    delivery: {
      outbox: logged(outbox, log),
      jobs,
      clock,
      randomBytes,
      sign: signStandardWebhook,
      render,
      send,
    },
    onError: (error, messageId) => log.error(error, `webhook message ${messageId}`),
  });
}

/** A webhook of an open job says that it runs, and how far it is as its row notes. */
function runningEstimate(job: Job): Estimate | undefined {
  if (isTerminal(job.status)) return undefined;
  const images = job.input?.num_outputs ?? 1;
  const etaSeconds = Math.ceil((images * EXPECTED_IMAGE_MS) / 1000);
  return { phase: 'running', etaSeconds, imagesDone: 0 };
}

/** The outbox, with a line for each attempt; the receiver's URL may hold a secret and stays out. */
function logged(outbox: Outbox, log: Pick<JsonLog, 'event'>): Outbox {
  return {
    ...outbox,
    recordAttempt: async (attempt, result) => {
      await outbox.recordAttempt(attempt, result);
      const { entry, number, durationMs, status, failure } = attempt;
      const outcome = result.next;
      log.event('webhook-attempted', { entry, number, durationMs, status, failure, outcome });
    },
  };
}
