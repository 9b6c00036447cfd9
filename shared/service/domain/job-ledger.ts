import type { Job } from '#shared/core/job.ts';
import type { LedgerEntry } from '#shared/core/ledger.ts';
import type { Admission, Settlement } from '#shared/service/ports/job-store.ts';

/** The ledger entry of a job's admission. */
export function holdEntry(admission: Pick<Admission, 'ledgerEntryId' | 'job'>): LedgerEntry {
  const { ledgerEntryId: id, job } = admission;
  return { ...factsOf(job), id, kind: 'hold', at: job.createdAt, amount: job.hold };
}

/** The ledger entry of a job's end. */
export function endEntry(job: Job, settlement: Settlement): LedgerEntry {
  const { ledgerEntryId: id, completedAt: at, capture, images } = settlement;
  // A free image is a capture of nothing: usage counts it.
  const isCapture = capture > 0 || images.length > 0;
  return {
    ...factsOf(job),
    id,
    kind: isCapture ? 'capture' : 'release',
    at,
    amount: isCapture ? capture : job.hold,
    images: images.length,
  };
}

/** What every entry of a job says of it. */
export function factsOf({ account, id, key, model, price, tags }: Admission['job']) {
  return { account, job: id, key, model: model.name, priceVersion: price.version, tags };
}
