import type { AccountId, JobId } from '#shared/core/ids.ts';
import { isMade, isTerminal } from '#shared/core/job.ts';
import {
  type CancelCount,
  isCancelCounted,
  isRunPastCancelAfter,
  takeCancel,
  withRefusedCancel,
} from '#shared/service/domain/cancel-allowance.ts';
import type { CancelCause, ChangeResult } from '#shared/service/ports/job-store.ts';
import type { DynamoTable, Item, Write } from './dynamo-table.ts';
import { itemKeys } from './item-keys.ts';
import { readJobItem, replaceJob } from './job-item.ts';

interface CancelWish {
  readonly id: JobId;
  readonly at: number;
  readonly runningPerHour: number | undefined;
  readonly by: CancelCause | undefined;
}

/** Notes a request to cancel, with its count where the job is claimed; if another writer was faster, again. */
export async function requestCancel(table: DynamoTable, wish: CancelWish): Promise<ChangeResult> {
  for (;;) {
    const item = await readJobItem(table, wish.id);
    const job = item?.job;
    if (item === undefined || job === undefined) return { changed: false, job: undefined };
    if (isTerminal(job.status) || isMade(job) || job.cancelRequestedAt !== undefined) {
      return { changed: false, job };
    }
    if (wish.by === 'cancel-after' && !isRunPastCancelAfter(job, wish.at)) {
      return { changed: false, job };
    }
    const asked = { ...job, cancelRequestedAt: wish.at };
    if (wish.runningPerHour === undefined || !isCancelCounted(job)) {
      if (await table.write([replaceJob(item, asked)])) return { changed: true, job: asked };
      continue;
    }
    const read = await table.get(itemKeys.runningCancels(job.account));
    const next = takeCancel(read && countOf(read), wish.at, wish.runningPerHour);
    if (next === undefined) {
      const refused = withRefusedCancel(job, wish.at, wish.runningPerHour);
      if (refused === job || (await table.write([replaceJob(item, refused)]))) {
        return { changed: false, job: refused };
      }
    } else if (await table.write([replaceJob(item, asked), countWrite(job.account, read, next)])) {
      return { changed: true, job: asked };
    }
  }
}

function countOf(item: Item): CancelCount {
  return { hour: Number(item['cancelHour']), count: Number(item['cancels']) };
}

/** Replaces a count that is still as it was read. */
function countWrite(account: AccountId, read: Item | undefined, next: CancelCount): Write {
  const put = {
    ...itemKeys.runningCancels(account),
    cancelHour: next.hour,
    cancels: next.count,
  };
  if (read === undefined) return { put, condition: 'attribute_not_exists(pk)' };
  return {
    put,
    condition: 'cancelHour = :hour AND cancels = :count',
    values: { ':hour': read['cancelHour'], ':count': read['cancels'] },
  };
}
