import { defined } from '#shared/core/defined.ts';
import { assert } from '#shared/core/errors.ts';
import type { JobId } from '#shared/core/ids.ts';
import { isTerminal, type Job, withoutData } from '#shared/core/job.ts';
import { subtractUsd, ZERO_USD } from '#shared/core/money.ts';
import type { JobPayment } from '#shared/core/payment.ts';
import { endEntry } from '#shared/service/domain/job-ledger.ts';
import { paidEntries, paymentAfter } from '#shared/service/domain/payments/job-payment.ts';
import {
  type ChangeResult,
  isSettleable,
  type Settlement,
} from '#shared/service/ports/job-store.ts';
import { createAuditLog } from './audit-log.ts';
import { createBudgets } from './budgets.ts';
import type { Source } from './credit-rows.ts';
import type { JobParts } from './job-parts.ts';
import { type ResultPart, toRequestPart } from './job-rows.ts';
import { createLedgerRows } from './ledger-rows.ts';
import { createOutboxInsert } from './outbox-rows.ts';

/** Settlement and erasure; each function must run inside a transaction. */
export function createJobEnd({ db, getJob, open, credit, payments }: JobParts) {
  const ledger = createLedgerRows(db);
  const budgets = createBudgets(db);
  const addOutbox = createOutboxInsert(db);
  const audit = createAuditLog(db);
  const end = db.prepare(
    'UPDATE jobs SET status = ?, completed_at = ?, cost = ?, result = ?, waiting = 0, ' +
      'lease_expires_at = NULL, progress = NULL WHERE id = ?',
  );
  const erase = db.prepare(
    'UPDATE jobs SET data_removed_at = ?, request = ?, result = ? WHERE id = ?',
  );
  // One that is still to be sent needs its address until then.
  const eraseUrls = db.prepare(
    "UPDATE outbox SET url = '' WHERE job = ? AND next_attempt_at IS NULL",
  );
  const eraseTag = db.prepare(
    'DELETE FROM job_tags WHERE account = ? AND name = ? AND value = ? AND job = ?',
  );
  const selectSources = db.prepare('SELECT sources FROM jobs WHERE id = ?');
  const sourcesOf = (id: JobId): readonly Source[] =>
    JSON.parse((selectSources.get(id) as { sources: string }).sources);

  const moveMoney = (job: Job, settlement: Settlement): void => {
    const { capture } = settlement;
    const rest = subtractUsd(job.hold, capture);
    assert(capture >= 0 && rest >= 0, `job ${job.id} holds ${job.hold}, not ${capture}`);
    // What pays a debt is spent, as what was captured is.
    const left = ledger.takeIn(job.account, rest, -job.hold);
    if (left > 0) credit.putBack(sourcesOf(job.id), left);
    budgets.giveBack(job, rest);
    ledger.addEntry(endEntry(job, settlement));
  };

  const endPayment = (job: Job, payment: JobPayment, settlement: Settlement): void => {
    const after = paymentAfter(job, settlement);
    assert(after !== undefined, `job ${job.id} has a payment`);
    payments.end(job.id, payment, after, settlement.completedAt);
    const paid = paidEntries(job, settlement);
    // Nothing was held and nothing came: the ledger has nothing to say.
    if (paid === undefined) return;
    ledger.addEntry(paid.grant);
    // Spent already: the row keeps the payment from being granted twice.
    credit.add({
      entryId: paid.grant.id,
      account: job.account,
      reference: paid.reference,
      amount: ZERO_USD,
    });
    ledger.addEntry(paid.hold);
    ledger.addEntry(endEntry(job, settlement));
    audit.add(paid.audit);
  };

  return {
    settle(settlement: Settlement): ChangeResult {
      const job = getJob(settlement.job);
      if (job === undefined || !isSettleable(job, settlement.from)) return { changed: false, job };
      if (job.payment === undefined) moveMoney(job, settlement);
      else endPayment(job, job.payment, settlement);
      const { images, receipt, error, warnings } = settlement;
      const result: ResultPart = {
        images,
        warnings,
        ...defined({ receipt, error }),
      };
      const { status, completedAt, capture } = settlement;
      end.run(status, completedAt, capture, JSON.stringify(result), job.id);
      for (const entry of settlement.outbox) addOutbox(entry);
      const settled = getJob(job.id);
      open.add(-1, job.account);
      return { changed: true, job: settled };
    },

    removeData(id: JobId, at: number): ChangeResult {
      const job = getJob(id);
      if (job === undefined || !isTerminal(job.status) || job.dataRemovedAt !== undefined) {
        return { changed: false, job };
      }
      const left = withoutData(job, at);
      const { images, warnings, error } = left;
      const result: ResultPart = { images, warnings, ...defined({ error }) };
      erase.run(at, toRequestPart(left), JSON.stringify(result), id);
      eraseUrls.run(id);
      for (const [name, value] of Object.entries(job.tags))
        eraseTag.run(job.account, name, value, id);
      return { changed: true, job: getJob(id) };
    },
  };
}
