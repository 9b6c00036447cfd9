import type { Account, AuditEntry } from '#shared/core/account.ts';
import type { Clock } from '#shared/core/clock.ts';
import { AppError } from '#shared/core/errors.ts';
import { type AccountId, createUlid, type JobId, type RandomBytes } from '#shared/core/ids.ts';
import { isTerminal, type Job } from '#shared/core/job.ts';
import type { AutoTopups } from '#shared/service/ports/auto-topups.ts';
import type { AccountHooks } from '#shared/service/ports/account-hooks.ts';
import type { Erasure } from '#shared/service/ports/erasure.ts';
import type { JobStore } from '#shared/service/ports/job-store.ts';
import type { KeyService } from './keys.ts';
import type { SettlementService } from './settlement.ts';

export interface DeletionDeps {
  readonly erasure: Pick<Erasure, 'begin'>;
  readonly keyService: Pick<KeyService, 'forgetAccount'>;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
}

/**
 * Deletes an account; harmless to repeat. Its keys are refused at once by this process, within 60 s by
 * others; {@link createAccountEraser} does the rest.
 *
 * @throws AppError `not-found` when there is no such account
 */
export async function deleteAccount(
  deps: DeletionDeps,
  { account: id, actor }: { readonly account: AccountId; readonly actor: AuditEntry['actor'] },
): Promise<Account> {
  const at = deps.clock.now();
  const account = await deps.erasure.begin(id, at, {
    id: createUlid(deps.clock, deps.randomBytes),
    at,
    account: id,
    actor,
    action: 'account-deleted',
    subject: id,
    details: {},
  });
  if (account === undefined) throw new AppError('not-found', `There is no account "${id}".`);
  deps.keyService.forgetAccount(id);
  return account;
}

export interface EraserDeps {
  readonly erasure: Pick<Erasure, 'pending' | 'eraseRecords' | 'end'>;
  readonly hooks: Pick<AccountHooks, 'remove'>;
  readonly autoTopups: Pick<AutoTopups, 'remove'>;
  readonly jobs: Pick<JobStore, 'list'>;
  /** Called when one account fails; the next one is gone on with. */
  readonly onError: (error: unknown, what: string) => void;
}

type Ends = Pick<SettlementService, 'cancelJob' | 'removeJobData'>;

/** Predictions that one look takes on of an account. */
const AT_ONCE = 200;
/** Keys are refused everywhere, and previews gone, before an account counts as erased. */
const SETTLED_MS = 15 * 60_000;
/** How long an account in which nothing was left to do is left alone. */
const REST_MS = 60_000;

/**
 * Ends what deleted accounts have running and erases what they have. Where it is with an account is kept in
 * memory alone: a process that begins anew finds what is left.
 *
 * @returns a function that does a part of the work, and returns how many accounts it has finished
 */
export function createAccountEraser(deps: EraserDeps) {
  const { erasure, hooks, autoTopups, jobs } = deps;
  const places = new Map<AccountId, { readonly before?: JobId; readonly restUntil: number }>();

  const eraseJob = async ({ id, status, dataRemovedAt }: Job, ends: Ends): Promise<boolean> => {
    if (dataRemovedAt !== undefined) return false;
    // One that runs ends with its run, and is erased at a later look.
    if (!isTerminal(status)) await ends.cancelJob(id);
    await ends.removeJobData(id);
    return true;
  };

  /** Takes on some predictions, from the newest to the oldest. */
  const eraseJobs = async (id: AccountId, ends: Ends): Promise<'more' | number> => {
    const before = places.get(id)?.before;
    const found = await jobs.list({ account: id, limit: AT_ONCE, ...(before && { before }) });
    let erased = 0;
    for (const job of found) if (await eraseJob(job, ends)) erased++;
    const last = found.at(-1)?.id;
    const isMore = found.length === AT_ONCE && last !== undefined;
    places.set(id, { restUntil: 0, ...(isMore && { before: last }) });
    return isMore ? 'more' : before === undefined ? erased : erased + 1;
  };

  const erase = async (account: Account, ends: Ends, now: number): Promise<boolean> => {
    const { id, deletedAt = now } = account;
    if ((places.get(id)?.restUntil ?? 0) > now) return false;
    const done = await eraseJobs(id, ends);
    if (done === 'more') return false;
    const hadHook = await hooks.remove(id);
    // A charge under way still ends: its own event books it.
    const hadCard = await autoTopups.remove(id);
    const records = await erasure.eraseRecords(id);
    if (done > 0 || hadHook || hadCard || records > 0) return false;
    places.set(id, { restUntil: now + REST_MS });
    if (account.held > 0 || now < deletedAt + SETTLED_MS) return false;
    await erasure.end(id, now);
    places.delete(id);
    return true;
  };

  return async (ends: Ends, now: number): Promise<number> => {
    let finished = 0;
    for (const account of await erasure.pending()) {
      try {
        if (await erase(account, ends, now)) finished++;
      } catch (error) {
        deps.onError(error, `erasing ${account.id}`);
      }
    }
    return finished;
  };
}

export type AccountEraser = ReturnType<typeof createAccountEraser>;
