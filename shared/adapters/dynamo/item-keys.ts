import type { AccountId, JobId, KeyId } from '#shared/core/ids.ts';
import type { Key } from './dynamo-table.ts';
import { sortable } from './table-schema.ts';

/** Primary keys of every kind of item. */
export const itemKeys = {
  /** Balance, totals and what is left of the grants that expire first: one item, so that they can't disagree. */
  account: (id: AccountId): Key => ({ pk: `ACC#${id}`, sk: 'BALANCE' }),
  ledgerEntry: (account: AccountId, id: string): Key => ({
    pk: `ACC#${account}`,
    sk: `LEDGER#${id}`,
  }),
  /** What was charged on a UTC day for one key, model and set of tags, which the hash is of. */
  usageDay: (account: AccountId, day: string, hash = ''): Key => ({
    pk: `ACC#${account}`,
    sk: hash === '' ? `USAGE#${day}` : `USAGE#${day}#${hash}`,
  }),
  /** What is left of a grant that the account's own item does not list; by its end. */
  laterGrant: (account: AccountId, expiresAt?: number, reference = ''): Key => ({
    pk: `ACC#${account}`,
    sk: expiresAt === undefined ? 'LATER#' : `LATER#${sortable(expiresAt)}#${reference}`,
  }),
  audit: (account: AccountId, id: string): Key => ({ pk: `ACC#${account}`, sk: `AUDIT#${id}` }),
  /** The last rank that an account's jobs of a model were given. */
  accountRank: (account: AccountId, model: string): Key => ({
    pk: `ACC#${account}`,
    sk: `RANK#${model}`,
  }),
  /** How many running jobs an account has cancelled in the latest hour in which it did. */
  runningCancels: (account: AccountId): Key => ({ pk: `ACC#${account}`, sk: 'CANCELS' }),
  /** A partition of its own: the function that delivers may write deliveries and this, no account. */
  webhookSettings: (account: AccountId): Key => ({ pk: `RECEIVER#${account}`, sk: 'SECRETS' }),
  webhookHealth: (account: AccountId, urlHash: string): Key => ({
    pk: `RECEIVER#${account}`,
    sk: `URL#${urlHash}`,
  }),
  grant: (reference: string): Key => ({ pk: `GRANT#${reference}`, sk: 'META' }),
  autoTopup: (account: AccountId): Key => ({ pk: `ACC#${account}`, sk: 'TOPUP' }),
  reversal: (reference: string): Key => ({ pk: `REVERSAL#${reference}`, sk: 'META' }),
  job: (id: JobId): Key => ({ pk: `JOB#${id}`, sk: 'META' }),
  idempotency: (scope: string): Key => ({ pk: `IDEM#${scope}`, sk: 'META' }),
  apiKey: (id: KeyId): Key => ({ pk: `KEY#${id}`, sk: 'META' }),
  keyOfAccount: (account: AccountId, id: KeyId): Key => ({ pk: `ACC#${account}`, sk: `KEY#${id}` }),
  /** What a key has spent, holds included, in a UTC day or month. */
  spend: (id: KeyId, window: string): Key => ({ pk: `KEY#${id}`, sk: `SPEND#${window}` }),
  /** When the bucket of a key's requests is full again. */
  rate: (name: string): Key => ({ pk: `RATE#${name}`, sk: 'BUCKET' }),
  /** A create whose answer was not written to its end. */
  unanswered: (id: KeyId, bodyHash: string, job: JobId): Key => ({
    pk: `KEY#${id}`,
    sk: `ASKED#${bodyHash}#${job}`,
  }),
  /** Work of a payer, or from a network address, that is not paid for. */
  unpaidWork: (name: string): Key => ({ pk: `UNPAID#${name}`, sk: 'COUNT' }),
  /** The rank last claimed of a model. */
  claimedRank: (model: string): Key => ({ pk: 'QUEUE', sk: `RANK#${model}` }),
  /** How many jobs are open, in shards, since every admission and every end changes it. */
  openCount: (shard: number): Key => ({ pk: `QUEUE#OPEN#${shard}`, sk: 'COUNT' }),
  openCountOf: (account: AccountId): Key => ({ pk: `QUEUE#OPEN#${account}`, sk: 'ACCOUNT' }),
  /** Whether an endpoint sleeps, and since when. */
  endpoint: (name: string): Key => ({ pk: `ENDPOINT#${name}`, sk: 'STATE' }),
  accountHook: (account: AccountId | '' = ''): Key => ({ pk: 'HOOKS', sk: account }),
  /** One partition: operators make some, and list them all. */
  invitation: (id = ''): Key => ({ pk: 'INVITATIONS', sk: id }),
  /** Accounts that were deleted and have data left. */
  erasure: (account: AccountId | '' = ''): Key => ({ pk: 'ERASURES', sk: account }),
  delivery: (id: string): Key => ({ pk: `OUTBOX#${id}`, sk: 'META' }),
  attempt: (id: string, number: number): Key => ({
    pk: `OUTBOX#${id}`,
    sk: `ATTEMPT#${sortable(number)}`,
  }),
} as const;

/** Partitions of the indexes. */
export const indexKeys = {
  accounts: 'ACCOUNTS',
  jobsOf: (account: AccountId) => `JOBS#${account}`,
  deliveriesOf: (account: AccountId) => `DELIVERIES#${account}`,
  waiting: (model: string) => `WAITING#${model}`,
  leased: (model: string) => `LEASED#${model}`,
  deliveriesOfJob: (job: JobId) => `DELIVERIES#${job}`,
  openJobs: 'OPEN',
  removableJobs: 'ENDED',
  removablePreviews: 'ENDED#PREVIEW',
  expiringCredit: 'EXPIRING',
  dueDeliveries: 'DELIVERIES',
} as const;
