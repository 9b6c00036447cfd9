import { z } from '@hono/zod-openapi';
import type { ApiContext } from './context.ts';

/** Where a page of entries begins: the id of the last entry of the page before. */
export const CursorSchema = z.string().regex(/^[0-9A-Za-z_-]{1,64}$/);
/** How many entries a page of the ledger or of the audit log has. */
export const PageLimitSchema = z.coerce.number().int().min(1).max(1000).default(100);

/**
 * A page of entries, and the absolute link to the next one.
 *
 * @param entries one more than the page holds, if there are so many
 * @param query what the link repeats of the request's query
 */
export function entryPage<Entry extends { readonly id: string }>(
  c: ApiContext,
  entries: readonly Entry[],
  limit: number,
  query: Readonly<Record<string, string | undefined>> = {},
): { readonly page: readonly Entry[]; readonly next: string | null } {
  const page = entries.slice(0, limit);
  if (entries.length <= limit) return { page, next: null };
  const link = new URLSearchParams({ limit: String(limit), cursor: page.at(-1)?.id ?? '' });
  for (const [name, value] of Object.entries(query)) if (value !== undefined) link.set(name, value);
  return { page, next: `${c.get('facts').origin}${c.req.path}?${link}` };
}
