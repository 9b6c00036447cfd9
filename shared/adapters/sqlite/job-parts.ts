import type Database from 'libsql';
import type { JobId } from '#shared/core/ids.ts';
import type { Job } from '#shared/core/job.ts';
import type { CreditRows } from './credit-rows.ts';
import type { OpenJobs } from './open-jobs.ts';
import type { PaymentRows } from './payment-rows.ts';

/** What the transactions of a job's admission and end need. */
export interface JobParts {
  readonly db: Database.Database;
  readonly getJob: (id: JobId) => Job | undefined;
  readonly open: OpenJobs;
  readonly credit: CreditRows;
  readonly payments: PaymentRows;
}
