import { DOMAIN, DYNAMO, inBoth, inEach, type Mutation, SQLITE } from './mutation.ts';

const LOOP = 'functions/webhooks/delivery-loop.ts';

/** Leases, sweeps, storage and webhooks. */
export const RULES: readonly Mutation[] = [
  inEach(
    'lease without fencing: an old claim renews and gives back',
    [
      `${SQLITE}/job-queue.ts`,
      'refusals = refusals + ? WHERE id = ? AND attempts = ? AND',
      'refusals = refusals + ? WHERE id = ? AND attempts >= ? AND',
    ],
    [`${DYNAMO}/dynamo-jobs.ts`, 'job.lease?.token === token', 'job.lease !== undefined'],
  ),
  {
    name: 'lease without fencing: an old claim renews',
    edits: {
      sqlite: [
        [
          `${SQLITE}/job-queue.ts`,
          "'WHERE id = ? AND attempts = ? AND lease_expires_at IS NOT NULL',\n",
          "'WHERE id = ? AND ?  > 0',\n",
        ],
      ],
    },
  },
  inEach(
    'claims of a dead process not given back',
    [`${SQLITE}/job-queue.ts`, 'giveBackExpired.run(now);', ''],
    [
      `${DYNAMO}/claim.ts`,
      'const expired = await readExpired(table, model, now);',
      'const expired = await readExpired(table, model, 0);',
    ],
  ),
  inBoth('attempt counted before acceptance', [
    `${DOMAIN}/settlement.ts`,
    "const refused = outcome.kind === 'refused';",
    'const refused = false;',
  ]),
  inBoth('sweep blind to a late receipt', [
    `${DOMAIN}/settlement.ts`,
    'const receipt = await readStoredReceipt(job.id, blobs);\n    const known',
    'const receipt = undefined;\n    const known',
  ]),
  inBoth('strays of late runs kept', [
    `${DOMAIN}/settlement.ts`,
    'if (ended !== undefined && isTerminal(ended.status)) await removeStrays',
    'if (ended === undefined) await removeStrays',
  ]),
  inBoth('deadline not swept', [
    `${DOMAIN}/sweep.ts`,
    'const pastDeadline = job.deadline <= now;',
    'const pastDeadline = false;',
  ]),
  inBoth('Cancel-After stops runs without end', [
    `${DOMAIN}/sweep.ts`,
    "await settlement.cancelJob(job.id, settings.runningCancelsPerHour, 'cancel-after')",
    "await settlement.cancelJob(job.id, undefined, 'cancel-after')",
  ]),
  inBoth('images charged without a look at storage', [
    `${DOMAIN}/verdict.ts`,
    'capture: multiplyUsd(job.price.perImage, delivered.length)',
    'capture: multiplyUsd(job.price.perImage, ordered)',
  ]),
  inBoth(
    'cancel after capture',
    [
      'shared/service/ports/job-store.ts',
      'if (isTerminal(job.status)) return false;',
      "if (isTerminal(job.status) && from.state !== 'queued') return false;",
    ],
    [
      `${DOMAIN}/settlement.ts`,
      'if (asked.job === undefined || isTerminal(asked.job.status)) return asked.job;\n      if (asked.job.cancelRequestedAt === undefined) return asked.job;',
      'if (asked.job === undefined) return asked.job;',
    ],
  ),
  inBoth('other events tell of the end', [
    `${DOMAIN}/webhooks/events.ts`,
    "if (event === 'completed' || !isTerminal(job.status)) return job;",
    'return job;',
  ]),
  inBoth('webhooks given up after one attempt', [
    `${DOMAIN}/webhooks/deliver.ts`,
    'await deps.outbox.recordAttempt(record, result);',
    'await deps.outbox.recordAttempt(record, { next: "delivered" });',
  ]),
  inBoth(
    'lanes per host off',
    [LOOP, 'const PER_LANE = 4;', 'const PER_LANE = 10_000;'],
    [LOOP, 'const PER_ACCOUNT = 64;', 'const PER_ACCOUNT = 10_000;'],
  ),
  inBoth('erasure leaves its files', [
    `${DOMAIN}/settlement.ts`,
    'for (const key of await blobs.list(outputPrefix(id))) await blobs.delete(key);',
    '',
  ]),
  inEach(
    'an account’s jobs have no order among themselves: who orders much goes first',
    [`${SQLITE}/job-admission.ts`, 'putRank.run([job.model.name, job.account, rank]);', ''],
    [
      `${DYNAMO}/fair-rank.ts`,
      "expression: 'SET #rank = #rank + :one',\n      condition: '#rank >= :claimed',",
      "expression: 'SET #rank = :claimed + :one',\n      condition: '#rank >= :claimed',",
    ],
  ),
];
