import type { AccountId, KeyId } from './ids.ts';
import type { MicroUsd } from './money.ts';

/** Who owns keys, money and jobs. */
export interface Account {
  readonly id: AccountId;
  readonly name: string;
  readonly createdAt: number;
  readonly disabledAt?: number;
  /** Its data goes from then on; the ledger stays. */
  readonly deletedAt?: number;
  /** When all of it was gone. */
  readonly erasedAt?: number;
  /** What can be spent now; it excludes `held`. Never negative. */
  readonly balance: MicroUsd;
  /** What admitted jobs that are not settled yet may still cost. */
  readonly held: MicroUsd;
  /** What was taken back of payments and is spent already; absent if nothing. The balance is zero then. */
  readonly owed?: MicroUsd;
}

/** What the secret part of a key looks like. */
export const KEY_SECRET = /^[0-9A-Za-z]{24}$/;

export const SCOPES = ['predict', 'read', 'admin'] as const;
/** `predict`: order images. `read`: see jobs, money, logs. `admin`: manage keys and credits. */
export type Scope = (typeof SCOPES)[number];

/** An API key as stored: its secret is known only as a hash. */
export interface ApiKey {
  readonly id: KeyId;
  readonly account: AccountId;
  readonly label: string;
  /** SHA-256 of the whole key text, hex. */
  readonly secretHash: string;
  readonly scopes: readonly Scope[];
  readonly createdAt: number;
  /** When it was last used, give or take a few minutes; absent if never. */
  readonly lastUsedAt?: number;
  readonly expiresAt?: number;
  readonly revokedAt?: number;
  /** The most that this key may spend in one UTC day and in one UTC month, holds included. */
  readonly dayCap?: MicroUsd;
  readonly monthCap?: MicroUsd;
  /** Requests per minute. */
  readonly ratePerMinute: number;
  /** The key that took this one's place; both work until this one's `expiresAt`. */
  readonly replacedBy?: KeyId;
  /** The first key in a chain of rotations, if not this one: all of them share its caps and rate. */
  readonly budgetKey?: KeyId;
}

/** The key under which a key's spending and requests are counted. */
export function budgetKeyOf(key: Pick<ApiKey, 'id' | 'budgetKey'>): KeyId {
  return key.budgetKey ?? key.id;
}

/** One administrative act, kept forever. */
export interface AuditEntry {
  readonly id: string;
  readonly at: number;
  readonly account: AccountId;
  /** The key that acted, or `cli` for the operator's own shell. */
  readonly actor: KeyId | 'cli' | 'system';
  /** Noun and verb: `key-created`, `key-revoked`, `credit-granted` … */
  readonly action: string;
  /** What was acted on: a key's id, a grant's reference. */
  readonly subject: string;
  readonly details: Readonly<Record<string, unknown>>;
}
