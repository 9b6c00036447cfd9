import { DOMAIN, DYNAMO, inBoth, inEach, type Edit, type Mutation, SQLITE } from './mutation.ts';

const COLLECT = `${DOMAIN}/payments/collect.ts`;
const JOB_PAYMENT = `${DOMAIN}/payments/job-payment.ts`;
const CARDS = `${DOMAIN}/topups/card-events.ts`;
const LEDGER = 'shared/core/ledger.ts';

const BOOKED_BY_EACH: Edit = [
  'shared/service/ports/job-store.ts',
  "if (isTerminal(job.status)) return false;\n  if (from.state === 'made') return isMade(job) && job.payment?.attempts === from.attempts;",
  "if (from.state === 'made') return job.payment !== undefined;\n  if (isTerminal(job.status)) return false;",
];

/** Payments by x402 and by card: what is paid when, once, and what is owed. */
export const PAYMENTS: readonly Mutation[] = [
  inBoth(
    'settle before completion: the money moves for a job that is not made',
    [
      COLLECT,
      'return job !== undefined && !isTerminal(job.status) && isMade(job);',
      'return job?.payment !== undefined && !isTerminal(job.status) && job.payment.state !== "settled";',
    ],
    [
      JOB_PAYMENT,
      'if (!isMade(job) || payment?.attempts !== attempts) return undefined;',
      'if (payment?.attempts !== attempts) return undefined;',
    ],
    [
      `${DOMAIN}/settlement.ts`,
      'if (isMade(job)) return (await deps.collect?.(id)) ?? job;',
      'if (job.payment !== undefined) return (await deps.collect?.(id)) ?? job;',
    ],
  ),
  inBoth('a job ends before its payment has settled', [
    `${DOMAIN}/settlement.ts`,
    'if (job.payment !== undefined && verdict.images.length > 0) {',
    'if (job.payment === undefined && job.images.length > 99) {',
  ]),
  {
    name: 'settle twice: each process that finds a payment books it',
    edits: {
      sqlite: [
        BOOKED_BY_EACH,
        [
          `${SQLITE}/job-end.ts`,
          'reference: paid.reference,',
          'reference: Math.random().toString(),',
        ],
        [
          `${SQLITE}/migrations.ts`,
          'CREATE UNIQUE INDEX ledger_one_hold',
          'CREATE INDEX ledger_one_hold',
        ],
        [
          `${SQLITE}/migrations.ts`,
          'CREATE UNIQUE INDEX ledger_one_end',
          'CREATE INDEX ledger_one_end',
        ],
      ],
      dynamo: [
        BOOKED_BY_EACH,
        [
          `${DYNAMO}/settle.ts`,
          "entry: paid.grant },\n      condition: 'attribute_not_exists(pk)',",
          'entry: paid.grant },',
        ],
      ],
    },
  },
  {
    name: 'settle twice, where a payment is still granted once',
    edits: { sqlite: [BOOKED_BY_EACH] },
  },
  inBoth(
    'a lost answer is not looked up',
    [
      COLLECT,
      '    const ended = await endByChain(begun.job);\n    if (ended !== undefined) return ended;\n    if (answer',
      '    if (answer',
    ],
    [COLLECT, "if (job.payment.state === 'settling') {", "if (job.payment.state === 'settled') {"],
    [
      COLLECT,
      'const areAllAnswered = refusals === attempts - 1;',
      'const areAllAnswered = attempts > 0 && refusals >= 0;',
    ],
  ),
  inBoth('a payment that failed leaves its image', [
    COLLECT,
    'images: isPaid ? (made?.images ?? []) : [],',
    'images: made?.images ?? [],',
  ]),
  inBoth('no cap on unpaid work', [
    `${DOMAIN}/payments/unpaid-work.ts`,
    'return open + failed >= limit ? undefined',
    'return open + failed >= 10 * limit ? undefined',
  ]),
  inBoth('grant without its PaymentIntent’s id', [
    CARDS,
    'const reference = cardReference(id);\n  const request',
    'const reference = cardReference(id) + Math.random();\n  const request',
  ]),
  inBoth('a refund counted each time that it is told', [
    CARDS,
    'const reference = cardReference(event.id);\n  const { outcome } = await reverseCredit',
    'const reference = cardReference(event.id) + Math.random();\n  const { outcome } = await reverseCredit',
  ]),
  inEach(
    'a reversal takes of what is held',
    [
      `${SQLITE}/sqlite-ledger.ts`,
      'const { taken, owed } = takeBack(amount, funds.balance);',
      `const { taken, owed: short } = takeBack(amount, funds.balance);
    const { held } = db.prepare('SELECT held FROM accounts WHERE id = ?').get(account) as { held: number };
    const ofHeld = Math.min(short, held);
    const owed = (short - ofHeld) as typeof short;
    rows.moveMoney(account, 0, -ofHeld);`,
    ],
    [
      `${DYNAMO}/reverse-credit.ts`,
      'const { taken, owed } = takeBack(amount, read.balance);',
      `const { taken, owed: short } = takeBack(amount, read.balance);
    const ofHeld = Math.min(short, read.held);
    const owed = (short - ofHeld) as typeof short;`,
    ],
    [
      `${DYNAMO}/reverse-credit.ts`,
      'const sums = { balance: 0 - taken, reversed: amount };',
      'const sums = { balance: 0 - taken, held: 0 - ofHeld, reversed: amount };',
    ],
  ),
  inBoth('what comes in does not pay what is owed', [
    LEDGER,
    'const paid = microUsd(Math.min(amount, owed));',
    'const paid = microUsd(Math.min(0, amount, owed));',
  ]),
];
