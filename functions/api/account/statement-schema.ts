import { z } from '@hono/zod-openapi';
import { AccountQuery, DateTime } from '#functions/api/http/common-schema.ts';
import { LEDGER_KINDS } from '#shared/core/ledger.ts';

const Amount = z.number().int();
const Change = Amount.describe('Millionths of a US dollar; below zero for what was taken');
/** Balance and what is held, less what is owed: below zero where a payment was taken back after it was spent. */
const Total = Amount.describe('Balance and what is held, less what is owed');

export const StatementQuerySchema = AccountQuery.extend({
  month: z
    .string()
    .regex(/^20\d\d-(0[1-9]|1[0-2])$/, 'must be a month such as 2026-11')
    .optional()
    .describe('In UTC. Default: this month')
    .openapi({ example: '2026-11' }),
  format: z.enum(['json', 'csv']).optional().describe('Or ask with Accept: text/csv'),
});

export const StatementSchema = z
  .object({
    account: z.string(),
    name: z.string(),
    month: z.string(),
    from: DateTime,
    to: DateTime.describe('Exclusive'),
    currency: z.literal('micro_usd'),
    opening: Total,
    closing: Total,
    sums: z
      .record(z.string(), Change)
      .describe('The changes of each kind; with `opening` they make `closing`'),
    lines: z.array(
      z.object({
        id: z.string(),
        at: DateTime,
        kind: z.enum(LEDGER_KINDS),
        change: Change,
        total: Total,
        prediction: z.string().nullable(),
        model: z.string().nullable(),
        images: z.number().int().nullable(),
        reference: z.string().nullable(),
        note: z.string().nullable(),
        expires_at: DateTime.nullable(),
      }),
    ),
  })
  .openapi('Statement');
export type Statement = z.output<typeof StatementSchema>;
