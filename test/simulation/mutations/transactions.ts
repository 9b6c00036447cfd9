import { DYNAMO, inEach, type Mutation, SQLITE } from './mutation.ts';

/** Conditions of the two transactions, and what they write. */
export const TRANSACTIONS: readonly Mutation[] = [
  inEach(
    'settlement without its condition',
    [
      `${SQLITE}/job-end.ts`,
      'if (job === undefined || !isSettleable(job, settlement.from))',
      'if (job === undefined)',
    ],
    [
      `${DYNAMO}/settle.ts`,
      'if (!isSettleable(item.job, settlement.from))',
      'if (false as boolean)',
    ],
  ),
  {
    name: 'settlement of what was read, though it has changed',
    edits: {
      dynamo: [
        [
          `${DYNAMO}/job-item.ts`,
          "    condition: 'version = :version',\n    values: { ':version': read.version },\n",
          '',
        ],
      ],
    },
  },
  inEach(
    'capture without release',
    [
      `${SQLITE}/job-end.ts`,
      'ledger.takeIn(job.account, rest, -job.hold)',
      'ledger.takeIn(job.account, 0 as never, -job.hold)',
    ],
    [
      `${DYNAMO}/settle.ts`,
      'const back = { ...sums, balance: left };',
      'const back = { ...sums, balance: 0 };',
    ],
  ),
  {
    name: 'outbox outside the transaction',
    edits: {
      sqlite: [
        [
          `${SQLITE}/sqlite-job-store.ts`,
          'settle: inTransaction(end.settle),',
          `settle: async (settlement) => {
            const result = await writer.write(() => end.settle({ ...settlement, outbox: [] }));
            const add = createOutboxInsert(db);
            if (result.changed) await writer.write(() => { for (const one of settlement.outbox) add(one); });
            return result;
          },`,
        ],
        [
          `${SQLITE}/sqlite-job-store.ts`,
          "import type Database from 'libsql';",
          "import type Database from 'libsql';\nimport { createOutboxInsert } from './outbox-rows.ts';",
        ],
      ],
      dynamo: [
        [`${DYNAMO}/settle.ts`, '      ...(await deliveryWrites(table, settlement.outbox)),\n', ''],
        [
          `${DYNAMO}/settle.ts`,
          'if (await table.write(writes)) return { changed: true, job };',
          'if (await table.write(writes)) { const later = await deliveryWrites(table, settlement.outbox); if (later.length > 0) await table.write(later); return { changed: true, job }; }',
        ],
      ],
    },
  },
  inEach(
    'admission without its check of funds',
    [`${SQLITE}/job-admission.ts`, 'if (balance < job.hold)', 'if (balance < 0)'],
    [
      `${DYNAMO}/admit.ts`,
      'if (account === undefined || account.balance < job.hold)',
      'if (account === undefined)',
    ],
    [`${DYNAMO}/account-item.ts`, 'if (amount < 0) {', 'if (amount === 1) {'],
  ),
  {
    name: 'funds that are judged and not asked in the transaction',
    edits: {
      dynamo: [[`${DYNAMO}/account-item.ts`, 'if (amount < 0) {', 'if (amount === 1) {']],
    },
  },
  {
    name: 'credit that has changed since it was read',
    edits: {
      dynamo: [
        [`${DYNAMO}/account-item.ts`, "conditions.push('grantsVersion = :readVersion');", ''],
        [`${DYNAMO}/account-item.ts`, "values[':readVersion'] = change.read.grantsVersion;", ''],
      ],
    },
  },
  inEach(
    'cap of a key not asked',
    [`${SQLITE}/job-admission.ts`, 'if (cap === undefined) continue;', 'if (cap !== 0) continue;'],
    [
      `${DYNAMO}/admit.ts`,
      'if (cap !== undefined && spent + job.hold > cap)',
      'if (cap === 0 && spent + job.hold > cap)',
    ],
    [`${DYNAMO}/admit.ts`, 'if (cap === undefined) return write;', 'if (cap !== 0) return write;'],
  ),
  {
    name: 'cap of a key that is judged and not asked in the transaction',
    edits: {
      dynamo: [
        [
          `${DYNAMO}/admit.ts`,
          'if (cap === undefined) return write;',
          'if (cap !== 0) return write;',
        ],
      ],
    },
    heldBy:
      'the account’s grants, which two admissions that meet both change, so that one is judged again',
  },
  inEach(
    'share of the queue off',
    [`${SQLITE}/job-admission.ts`, 'if (own >= admission.accountQueueLimit)', 'if (own < 0)'],
    [`${DYNAMO}/admit.ts`, 'if (ownDepth >= admission.accountQueueLimit)', 'if (ownDepth < -99)'],
    [`${DYNAMO}/admit.ts`, '#count < :limit', '#count < :limit OR #count >= :limit'],
  ),
  {
    name: 'share of the queue that is judged and not asked in the transaction',
    edits: {
      dynamo: [[`${DYNAMO}/admit.ts`, '#count < :limit', '#count < :limit OR #count >= :limit']],
    },
  },
  inEach(
    'idempotency without the hash of the body',
    [
      `${SQLITE}/job-admission.ts`,
      'return found.bodyHash === job.bodyHash',
      'return found.bodyHash !== undefined',
    ],
    [
      `${DYNAMO}/admit.ts`,
      "if (record['bodyHash'] !== job.bodyHash)",
      "if (record['bodyHash'] === undefined)",
    ],
  ),
  inEach(
    'idempotency record not written',
    [
      `${SQLITE}/job-admission.ts`,
      'if (idempotency !== undefined) putScope.run',
      'if (false as boolean) putScope.run',
    ],
    [
      `${DYNAMO}/admit.ts`,
      '...(idempotency === undefined\n',
      '...((true as boolean) || idempotency === undefined\n',
    ],
  ),
  {
    name: 'idempotency record that is judged and not asked in the transaction',
    edits: {
      dynamo: [
        [
          `${DYNAMO}/admit.ts`,
          ' OR expiresAt <= :now`,',
          ' OR expiresAt <= :now OR expiresAt > :now`,',
        ],
      ],
    },
  },
  {
    name: 'a job that is there already admitted again',
    edits: {
      sqlite: [[`${SQLITE}/job-admission.ts`, 'if (changes === 0) return undefined;', '']],
      dynamo: [
        [`${DYNAMO}/admit.ts`, 'sources: taken }), condition: isNew }', 'sources: taken }) }'],
      ],
    },
    heldBy:
      'ids, which are new with every order; test/contract/job-store repeats one, three times at once',
  },
  inEach(
    'grant without its id',
    [
      `${SQLITE}/sqlite-ledger.ts`,
      'if (row !== undefined) {\n      const entry = toEntry(row);\n      const same = entry.account === grant',
      'if (row === 1) {\n      const entry = toEntry(row);\n      const same = entry.account === grant',
    ],
    [
      `${DYNAMO}/dynamo-ledger.ts`,
      'if (known !== undefined) {\n      const same',
      'if (known === (1 as never)) {\n      const same',
    ],
    [
      `${DYNAMO}/dynamo-ledger.ts`,
      "        put: { ...itemKeys.grant(reference), entry },\n        condition: 'attribute_not_exists(pk)',",
      '        put: { ...itemKeys.grant(reference), entry },',
    ],
  ),
  {
    name: 'grant whose id is judged and not asked in the transaction',
    edits: {
      dynamo: [
        [
          `${DYNAMO}/dynamo-ledger.ts`,
          "        put: { ...itemKeys.grant(reference), entry },\n        condition: 'attribute_not_exists(pk)',",
          '        put: { ...itemKeys.grant(reference), entry },',
        ],
      ],
    },
  },
  inEach(
    'admission without taking credit from grants',
    [`${SQLITE}/job-admission.ts`, 'credit.take(sources);', ''],
    [
      `${DYNAMO}/admit.ts`,
      'changePurse(account, left, grantsInAccount)',
      'changePurse(account, account.grants, grantsInAccount)',
    ],
  ),
  inEach(
    'expired credit spent at admission',
    [
      `${SQLITE}/job-admission.ts`,
      'if (shared.nextExpiry > createdAt) return;',
      'if (shared.nextExpiry > 1) return;',
    ],
    [
      `${DYNAMO}/admit.ts`,
      'if (account !== undefined && isDue(account, job.createdAt))',
      'if (account !== undefined && isDue(account, 1))',
    ],
  ),
  inEach(
    'usage that is not kept with the ledger',
    [`${SQLITE}/migrations.ts`, 'jobs = jobs + 1, images', 'jobs = jobs, images'],
    [
      `${DYNAMO}/settle.ts`,
      '    ledgerWrite(entry),\n    ...usageWrites(entry),\n    ...(rest',
      '    ledgerWrite(entry),\n    ...(rest',
    ],
  ),
];
