import { randomBytes } from 'node:crypto';
import { openSqliteStores } from '#shared/adapters/sqlite/sqlite-stores.ts';
import { systemClock } from '#shared/core/clock.ts';
import { PRICE, sampleAdmission, sampleSettlement } from './samples.ts';

/**
 * A process of its own that admits and settles jobs in the folder of its first argument until it is
 * killed. It prints a line for each job that it was told is stored: its id, or its id and `settled`.
 */
const stores = openSqliteStores({
  folder: process.argv[2] ?? '',
  clock: systemClock,
  randomBytes: (length) => new Uint8Array(randomBytes(length)),
});

async function work(): Promise<never> {
  for (;;) {
    const id = randomBytes(13).toString('hex') as ReturnType<typeof sampleAdmission>['job']['id'];
    const ids = () => randomBytes(13).toString('hex');
    await stores.jobs.admit(
      sampleAdmission(
        { id },
        { ledgerEntryId: ids(), queueLimit: 1_000_000, accountQueueLimit: 1_000_000 },
      ),
    );
    process.stdout.write(`${id}\n`);
    if (Math.random() < 0.5) continue;
    await stores.jobs.settle(sampleSettlement({ id }, { captured: PRICE, ledgerEntryId: ids() }));
    process.stdout.write(`${id} settled\n`);
  }
}

await Promise.all(Array.from({ length: 20 }, work));
