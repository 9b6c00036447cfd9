import { z } from '@hono/zod-openapi';
import { formatUsd, MOST_CREDIT } from '#shared/core/money.ts';

/** An instant in UTC, such as `2026-11-23T19:50:49.000Z`. */
export const DateTime = z.iso.datetime();
export const MicroUsd = z.number().int().min(0).describe('Millionths of a US dollar');
/** Credit that the operator gives at one time. */
export const GivenCredit = z
  .number()
  .int()
  .max(MOST_CREDIT, `must be at most ${MOST_CREDIT} (${formatUsd(MOST_CREDIT)})`)
  .describe('Micro-USD');

export const IN_UTC = 'In UTC unless it has an offset';

/** One end of a period, as a query gives it: a date, or a time of a date. */
export const PeriodBound = z
  .union([z.iso.datetime({ offset: true, local: true }), z.iso.date()], {
    error:
      'must be a date such as 2026-11-01, or a time such as 2026-11-01T08:00:00Z (write the + of an offset as %2B)',
  })
  .openapi({
    type: 'string',
    description: IN_UTC,
    example: '2026-11-01',
  });

/** Names another account than the caller's. */
export const AccountQuery = z.object({
  account: z.string().optional().describe('Another account; for the operator only'),
});
export const IdParams = z.object({ id: z.string() });
export const ModelParams = z.object({ owner: z.string(), name: z.string() });

/** Where a page of entries begins: the id of the last entry of the page before. */
export const Cursor = z.string().regex(/^[0-9A-Za-z_-]{1,64}$/);
/** How many entries a page of the ledger or of the audit log has. */
export const PageLimit = z.coerce.number().int().min(1).max(1000).default(100);

/** A page of entries, and the absolute link to the next one. */
export function pageOf<Entry extends z.ZodType>(entry: Entry) {
  return z.object({ next: z.string().nullable(), results: z.array(entry) });
}

/** A page that links to the one before as well, as Replicate's do. */
export function pageWithPrevious<Entry extends z.ZodType>(entry: Entry) {
  return z.object({
    next: z.string().nullable(),
    previous: z.string().nullable(),
    results: z.array(entry),
  });
}

/** Every entry there is. */
export function listOf<Entry extends z.ZodType>(entry: Entry) {
  return z.object({ results: z.array(entry) });
}

/** One event of a `text/event-stream` answer, parsed from its lines. */
export const StreamEventSchema = z
  .object({
    event: z.string().optional(),
    data: z.string(),
    id: z.string().optional(),
  })
  .openapi('StreamEvent');

/** Operations that take the `id` of an answer: the links of its description. */
export function linksById(...operationIds: readonly string[]) {
  return Object.fromEntries(
    operationIds.map((operationId) => [
      operationId,
      { operationId, parameters: { id: '$response.body#/id' } },
    ]),
  );
}
