import { z } from '@hono/zod-openapi';
import { DateTime, GivenCredit, MicroUsd } from '#functions/api/http/common-schema.ts';
import { SCOPES } from '#shared/core/account.ts';
import { ACCOUNT_EVENTS } from '#shared/core/account-hook.ts';
import { LEDGER_KINDS } from '#shared/core/ledger.ts';

export const AccountSchema = z
  .object({
    id: z.string(),
    type: z.literal('organization'),
    username: z.string(),
    name: z.string(),
    created_at: DateTime,
    disabled_at: DateTime.nullable(),
    deleted_at: DateTime.nullable().describe('Its data goes from then on; the ledger stays'),
    erased_at: DateTime.nullable().describe('When all of that was gone'),
    currency: z.literal('micro_usd'),
    balance: MicroUsd.describe('What can be spent now; `held` is not in it'),
    held: MicroUsd.describe('What open predictions may still cost'),
    owed: MicroUsd.describe(
      'What was taken back of payments and is spent already; no order is taken until it is paid',
    ),
    topup_url: z.string().nullable(),
    sells_by_card: z.boolean().describe('Whether `POST /v1/topups` buys credit here'),
  })
  .openapi('Account');
export type Account = z.output<typeof AccountSchema>;

export const NewAccountSchema = z
  .strictObject({ name: z.string().min(1).max(100) })
  .openapi('CreateAccount', { example: { name: 'shop' } });

/** What models run on. */
export const HardwareSchema = z.object({ name: z.string(), sku: z.string() });

export const KeySchema = z
  .object({
    id: z.string(),
    account: z.string(),
    label: z.string(),
    scopes: z.array(z.enum(SCOPES)).readonly(),
    rate_per_minute: z.number().int(),
    day_cap: MicroUsd.nullable(),
    month_cap: MicroUsd.nullable(),
    created_at: DateTime,
    last_used_at: DateTime.nullable().describe('Give or take ten minutes; null if never'),
    expires_at: DateTime.nullable(),
    revoked_at: DateTime.nullable(),
    replaced_by: z.string().nullable(),
  })
  .openapi('Key');
export type Key = z.output<typeof KeySchema>;

export const IssuedKeySchema = KeySchema.extend({
  key: z.string().describe('The key itself: shown now and never again'),
}).openapi('IssuedKey');
export type IssuedKey = z.output<typeof IssuedKeySchema>;

const ExpiresAt = z.iso.datetime({ offset: true });
const Rate = z.number().int().min(1).max(10_000_000);
const Cap = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const Label = z.string().max(100);
const Scopes = z
  .array(z.enum(SCOPES))
  .min(1)
  .overwrite((scopes) => [...new Set(scopes)]);

export const NewKeySchema = z
  .strictObject({
    label: Label.default(''),
    scopes: Scopes.default(['predict', 'read']),
    rate_per_minute: Rate.default(600),
    day_cap: Cap.nullish(),
    month_cap: Cap.nullish(),
    expires_at: ExpiresAt.nullish(),
    account: z.string().max(64).optional().describe('Another account; for the operator only'),
  })
  .openapi('CreateKey', {
    example: { label: 'shop', scopes: ['predict', 'read'], day_cap: 5_000_000 },
  });
export type NewKey = z.input<typeof NewKeySchema>;

export const KeyChangeSchema = z
  .strictObject({
    label: Label.optional(),
    scopes: Scopes.optional(),
    rate_per_minute: Rate.optional(),
    day_cap: Cap.nullish(),
    month_cap: Cap.nullish(),
    expires_at: ExpiresAt.nullish(),
  })
  .refine((change) => Object.keys(change).length > 0, 'names nothing to change')
  .openapi('KeyChange', { minProperties: 1, example: { rate_per_minute: 120 } });

export const RotateKeySchema = z
  .strictObject({
    overlap_seconds: z
      .number()
      .int()
      .min(0)
      .max(30 * 86_400)
      .default(86_400)
      .describe('How long the old key works beside the new one'),
  })
  .openapi('RotateKey', { example: { overlap_seconds: 3_600 } });

export const LedgerEntrySchema = z
  .object({
    id: z.string(),
    kind: z.enum(LEDGER_KINDS),
    at: DateTime,
    amount: MicroUsd.describe('The kind says which way it went'),
    prediction: z.string().nullable(),
    key: z.string().nullable(),
    model: z.string().nullable(),
    price_version: z.string().nullable(),
    images: z.number().int().nullable(),
    metadata: z.record(z.string(), z.string()).readonly(),
    reference: z.string().nullable(),
    note: z.string().nullable(),
    expires_at: DateTime.nullable(),
  })
  .openapi('LedgerEntry');
export type LedgerEntry = z.output<typeof LedgerEntrySchema>;

export const GrantSchema = z
  .strictObject({
    amount: GivenCredit.min(1),
    reference: z
      .string()
      .min(1)
      .max(200)
      .describe('What paid for it, such as a payment’s id; granted once'),
    note: z.string().max(500).optional(),
    expires_at: ExpiresAt.nullish(),
    account: z.string().max(64).optional(),
  })
  .openapi('Grant', { example: { amount: 10_000_000, reference: 'pi_3Q2xkT', note: 'card' } });

export const AuditEntrySchema = z
  .object({
    id: z.string(),
    at: DateTime,
    actor: z.string(),
    action: z.string(),
    subject: z.string(),
    details: z.record(z.string(), z.unknown()).readonly(),
  })
  .openapi('AuditEntry');

const sums = { jobs: z.number().int(), images: z.number().int(), amount: MicroUsd };

export const UsageSchema = z
  .object({
    from: DateTime,
    to: DateTime,
    by: z.array(z.string()),
    rows: z.array(z.object({ group: z.record(z.string(), z.string()), ...sums })),
    total: z.object(sums),
  })
  .openapi('Usage');
export type Usage = z.output<typeof UsageSchema>;

export const AlertSchema = z
  .object({
    type: z.enum(ACCOUNT_EVENTS).describe('As the account’s webhook names it'),
    data: z.record(z.string(), z.unknown()).describe('As the account’s webhook has it'),
  })
  .openapi('Alert');
export type Alert = z.output<typeof AlertSchema>;
