import type { z } from '@hono/zod-openapi';
import type { ApiDeps } from '#functions/api/http/deps.ts';
import type { Account, ApiKey, AuditEntry } from '#shared/core/account.ts';
import { isoOrNull, toIso } from '#shared/core/clock.ts';
import type { LedgerEntry } from '#shared/core/ledger.ts';
import type {
  AccountSchema,
  AuditEntrySchema,
  KeySchema,
  LedgerEntrySchema,
} from './account-schema.ts';

export function presentAccount(
  account: Account,
  { settings, cards }: Pick<ApiDeps, 'settings' | 'cards'>,
): z.input<typeof AccountSchema> {
  return {
    id: account.id,
    type: 'organization',
    username: account.name,
    name: account.name,
    created_at: toIso(account.createdAt),
    disabled_at: isoOrNull(account.disabledAt),
    deleted_at: isoOrNull(account.deletedAt),
    erased_at: isoOrNull(account.erasedAt),
    currency: 'micro_usd',
    balance: account.balance,
    held: account.held,
    owed: account.owed ?? 0,
    topup_url: settings.topupUrl ?? null,
    sells_by_card: cards !== undefined,
  };
}

/** A key without its hash. */
export function presentKey(key: ApiKey): z.input<typeof KeySchema> {
  return {
    id: key.id,
    account: key.account,
    label: key.label,
    scopes: key.scopes,
    rate_per_minute: key.ratePerMinute,
    day_cap: key.dayCap ?? null,
    month_cap: key.monthCap ?? null,
    created_at: toIso(key.createdAt),
    last_used_at: isoOrNull(key.lastUsedAt),
    expires_at: isoOrNull(key.expiresAt),
    revoked_at: isoOrNull(key.revokedAt),
    replaced_by: key.replacedBy ?? null,
  };
}

export function presentLedgerEntry(entry: LedgerEntry): z.input<typeof LedgerEntrySchema> {
  return {
    id: entry.id,
    kind: entry.kind,
    at: toIso(entry.at),
    amount: entry.amount,
    prediction: entry.job ?? null,
    key: entry.key ?? null,
    model: entry.model ?? null,
    price_version: entry.priceVersion ?? null,
    images: entry.images ?? null,
    metadata: entry.tags ?? {},
    reference: entry.reference ?? null,
    note: entry.note ?? null,
    expires_at: isoOrNull(entry.expiresAt),
  };
}

export function presentAuditEntry(entry: AuditEntry): z.input<typeof AuditEntrySchema> {
  const { id, at, actor, action, subject, details } = entry;
  return { id, at: toIso(at), actor, action, subject, details };
}
