import { defined } from '#shared/core/defined.ts';
import type { AccountId, JobId, KeyId } from '#shared/core/ids.ts';
import type { Job, JobProgress, JobStatus } from '#shared/core/job.ts';
import { microUsd } from '#shared/core/money.ts';
import type { JobPayment } from '#shared/core/payment.ts';

export interface JobRow {
  readonly id: JobId;
  readonly account: AccountId;
  readonly key: KeyId;
  readonly model: string;
  readonly status: JobStatus;
  readonly rank: number;
  readonly body_hash: string;
  readonly created_at: number;
  readonly started_at: number | null;
  readonly completed_at: number | null;
  readonly deadline: number;
  readonly attach_by: number | null;
  readonly cancel_requested_at: number | null;
  readonly data_removed_at: number | null;
  readonly attempts: number;
  readonly refusals: number;
  readonly lease_expires_at: number | null;
  readonly progress: string | null;
  readonly payment: string | null;
  readonly hold: number;
  readonly cost: number | null;
  readonly request: string;
  readonly result: string | null;
}

/** What of a job is known at admission and has no column. */
type RequestPart = Pick<
  Job,
  | 'dialect'
  | 'input'
  | 'requestInput'
  | 'price'
  | 'budgetDay'
  | 'budgetMonth'
  | 'budgetKey'
  | 'cancelAtDeadline'
  | 'latestEnd'
  | 'preview'
  | 'webhook'
  | 'tags'
  | 'traceparent'
> & { readonly digest: string; readonly warnings?: Job['warnings'] };

/** What the end of a job brings and has no column. */
export type ResultPart = Pick<Job, 'images' | 'receipt' | 'error' | 'warnings'>;

export function toRequestPart(job: Omit<Job, 'rank'>): string {
  const part: RequestPart = {
    dialect: job.dialect,
    digest: job.model.digest,
    input: job.input,
    requestInput: job.requestInput,
    price: job.price,
    budgetDay: job.budgetDay,
    budgetMonth: job.budgetMonth,
    ...defined({
      budgetKey: job.budgetKey,
      cancelAtDeadline: job.cancelAtDeadline,
      latestEnd: job.latestEnd,
      preview: job.preview,
      webhook: job.webhook,
      traceparent: job.traceparent,
    }),
    tags: job.tags,
    ...(job.warnings.length > 0 && { warnings: job.warnings }),
  };
  return JSON.stringify(part);
}

export function toJob(row: JobRow): Job {
  const { digest, warnings = [], ...request } = JSON.parse(row.request) as RequestPart;
  const result: ResultPart =
    row.result === null ? { images: [], warnings } : (JSON.parse(row.result) as ResultPart);
  return {
    id: row.id,
    account: row.account,
    key: row.key,
    model: { name: row.model, digest },
    ...request,
    bodyHash: row.body_hash,
    status: row.status,
    rank: row.rank,
    createdAt: row.created_at,
    ...defined({
      startedAt: row.started_at ?? undefined,
      completedAt: row.completed_at ?? undefined,
    }),
    deadline: row.deadline,
    hold: microUsd(row.hold),
    ...(row.cost !== null && { cost: microUsd(row.cost) }),
    attempts: row.attempts,
    ...(row.refusals > 0 && { refusals: row.refusals }),
    ...(row.lease_expires_at !== null && {
      lease: { token: row.attempts, expiresAt: row.lease_expires_at },
    }),
    ...(row.payment !== null && { payment: JSON.parse(row.payment) as JobPayment }),
    ...(row.progress !== null && { progress: JSON.parse(row.progress) as JobProgress }),
    ...defined({
      attachBy: row.attach_by ?? undefined,
      cancelRequestedAt: row.cancel_requested_at ?? undefined,
    }),
    ...result,
    ...defined({ dataRemovedAt: row.data_removed_at ?? undefined }),
  };
}
