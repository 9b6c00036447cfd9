import { describe } from 'vitest';
import type { MakeStores } from '#test/helpers/stores.ts';
import { describeAdmission } from './job-store/admission.ts';
import { jobStoreTest } from './job-store/fixtures.ts';
import { describePayments } from './job-store/payments.ts';
import { describeQueue } from './job-store/queue.ts';
import { describeSettlement } from './job-store/settlement.ts';

/** What every job store must do; `makeStores` gives stores over an empty database. */
export function describeJobStore(name: string, makeStores: MakeStores): void {
  describe(`job store: ${name}`, () => {
    const test = jobStoreTest(makeStores);
    describeAdmission(test);
    describeQueue(test);
    describePayments(test);
    describeSettlement(test);
  });
}
