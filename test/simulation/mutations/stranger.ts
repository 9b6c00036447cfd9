import { DOMAIN, DYNAMO, inBoth, inEach, type Mutation, SQLITE } from './mutation.ts';

/** Chosen from the code of the service alone, before the simulation was read. */
export const STRANGER: readonly Mutation[] = [
  inBoth('1. a picture counts as delivered though it is not whole', [
    `${DOMAIN}/delivered-images.ts`,
    'heads[i]?.sizeBytes === record.bytes',
    'heads[i] !== null',
  ]),
  inBoth('2. a late report removes the pictures that were paid', [
    `${DOMAIN}/settlement.ts`,
    '.filter((key) => !listed.has(key))',
    '.filter((key) => !listed.has(""))',
  ]),
  inBoth('3. an answer of 503 counts as a delivery', [
    `${DOMAIN}/webhooks/deliver.ts`,
    'const isDelivered = status !== undefined && status >= 200 && status < 300;',
    'const isDelivered = status !== undefined && status >= 200 && status < 600;',
  ]),
  inBoth('4. every event shows the job as it is', [
    `${DOMAIN}/webhooks/events.ts`,
    "status: 'processing', images, warnings: []",
    'images, warnings: []',
  ]),
  inEach(
    '5. what was released is not put back into its grants',
    [`${SQLITE}/job-end.ts`, 'if (left > 0) credit.putBack', 'if (left < 0) credit.putBack'],
    [`${DYNAMO}/settle.ts`, 'if (unspent.length === 0) return', 'if (unspent.length >= 0) return'],
  ),
  inEach(
    '6. a key’s budget is not given back what was released',
    [`${SQLITE}/job-end.ts`, 'budgets.giveBack(job, rest);', ''],
    [`${DYNAMO}/settle.ts`, '...(rest === 0\n', '...(rest >= 0\n'],
  ),
  inEach(
    '7. ended jobs stay counted as open',
    [`${SQLITE}/job-end.ts`, 'open.add(-1, job.account);', ''],
    [`${DYNAMO}/settle.ts`, '...countWrites(job, -1),', ''],
  ),
  {
    ...inEach(
      '8. an unanswered order is found by more than one',
      [`${SQLITE}/sqlite-job-store.ts`, 'find.run(row.id);', ''],
      [
        `${DYNAMO}/dynamo-jobs.ts`,
        "const taken = await table.write([taking], 'once');",
        'const taken = taking !== undefined;',
      ],
    ),
    heldBy: 'test/contract/job-store, which asks eight times at once',
  },
  inBoth('9. ended jobs are erased at once', [
    `${DOMAIN}/sweep.ts`,
    "removeBefore(steady - settings.retentionMs, 'kept')",
    "removeBefore(steady, 'kept')",
  ]),
  inBoth('10. a cancelled job costs nothing, whatever was delivered of it', [
    `${DOMAIN}/verdict.ts`,
    "if (ending.kind === 'canceled' && !whole) return { ...base, status: 'canceled', warnings };",
    "if (ending.kind === 'canceled' && !whole) return { ...base, capture: 0 as never, status: 'canceled', warnings };",
  ]),
];
