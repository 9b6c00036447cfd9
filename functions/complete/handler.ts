import type { OnWebhooks } from '#shared/adapters/aws/aws-system.ts';
import {
  handleRecords,
  type QueueAnswer,
  type QueueEvent,
} from '#shared/adapters/aws/queue-event.ts';
import type { Wake } from '#shared/adapters/aws/wake-queue.ts';
import type { CarryWebhooks } from '#shared/adapters/aws/webhook-carrier.ts';
import { AppError } from '#shared/core/errors.ts';
import type { JobId } from '#shared/core/ids.ts';
import { type InferenceError, ReceiptSchema } from '#shared/core/inference.ts';
import type { OutboxEntry } from '#shared/core/outbox.ts';
import type { SettlementService } from '#shared/service/domain/settlement.ts';
import { readStoredJson } from '#shared/service/domain/stored-json.ts';
import { readMarks } from '#shared/service/domain/stored-marks.ts';
import { readStoredReceipt } from '#shared/service/domain/stored-receipt.ts';
import type { BlobStore } from '#shared/service/ports/blob-store.ts';
import type { InferenceOutcome } from '#shared/service/ports/inference-queue.ts';
import { type Notification, parseInferenceError, parseNotification } from './notification.ts';

export interface CompleteDeps {
  readonly createSettlement: (
    onWebhooks: OnWebhooks,
  ) => Pick<SettlementService, 'applyCompletion' | 'applyStart'>;
  readonly blobs: Pick<BlobStore, 'get'>;
  /** The bucket of `blobs`, by which SageMaker's locations are understood. */
  readonly bucket: string;
  readonly wakeDispatcher: Wake;
  readonly carryWebhooks: CarryWebhooks;
  readonly onError: (error: unknown, messageId: string) => void;
}

/**
 * Turns what SageMaker says of ended requests into settled jobs. Messages come at least once and in any
 * order; each is applied under the job's own conditions, so that only one of them counts.
 */
export function createCompleteHandler(deps: CompleteDeps) {
  return async (event: QueueEvent): Promise<QueueAnswer> => {
    const webhooks: OutboxEntry[] = [];
    const settlement = deps.createSettlement((written) => webhooks.push(...written));
    const handle = async (body: string): Promise<void> => {
      const notification = parseNotification(body);
      const job = notification.job as JobId;
      // Most jobs have not been polled since they started: the run's own mark says when that was.
      const marks = await readMarks(job, deps.blobs);
      if (marks !== undefined) await settlement.applyStart(job, marks.startedAt);
      const outcome = await toOutcome(deps, notification);
      await settlement.applyCompletion({ job, outcome });
    };
    const answer = await handleRecords(event, handle, deps.onError);
    await Promise.all([deps.carryWebhooks(webhooks), deps.wakeDispatcher()]);
    return answer;
  };
}

async function toOutcome(
  deps: CompleteDeps,
  notification: Notification,
): Promise<InferenceOutcome> {
  switch (notification.status) {
    case 'Completed':
      return completed(deps, notification);
    case 'Expired':
      return { kind: 'expired' };
    case 'Failed':
      return failed(notification, await readFailure(deps, notification));
    default:
      return {
        kind: 'failed',
        code: 'model-error',
        message: 'The image could not be made',
        retryable: false,
        images: [],
      };
  }
}

/** The receipt is where the GPU function left it; SageMaker's copy is the second place to look. */
async function completed(
  deps: CompleteDeps,
  { job, outputLocation }: Notification,
): Promise<InferenceOutcome> {
  const stored = await readStoredReceipt(job as JobId, deps.blobs);
  if (stored !== undefined) return { kind: 'completed', receipt: stored };
  const copy = ReceiptSchema.safeParse(await readLocation(deps, outputLocation));
  if (copy.success && copy.data.job === job) return { kind: 'completed', receipt: copy.data };
  throw new AppError('unavailable', `Job ${job} is reported complete, but left no receipt`, {
    retryable: true,
  });
}

async function readFailure(
  deps: CompleteDeps,
  { error, failureLocation }: Notification,
): Promise<InferenceError['error'] | undefined> {
  return error ?? parseInferenceError(await readLocation(deps, failureLocation));
}

/** Without the function's own words an instance was lost or cut off: another run may work. */
function failed(
  notification: Notification,
  error: InferenceError['error'] | undefined,
): InferenceOutcome {
  if (error === undefined) {
    const timedOut = /timed? ?out/i.test(notification.failureReason ?? '');
    return {
      kind: 'failed',
      code: timedOut ? 'deadline-exceeded' : 'model-error',
      message: timedOut ? 'The image took too long to make' : 'The image could not be made',
      retryable: !timedOut,
      images: [],
    };
  }
  const { code, message, retryable, images = [] } = error;
  return { kind: 'failed', code, message, retryable, images };
}

/** An object at `s3://bucket/key` of our own bucket. */
async function readLocation(deps: CompleteDeps, location: string | undefined): Promise<unknown> {
  const prefix = `s3://${deps.bucket}/`;
  if (location?.startsWith(prefix) !== true) return undefined;
  return readStoredJson(location.slice(prefix.length), deps.blobs);
}
