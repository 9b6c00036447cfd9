import type { ApiContext } from './context.ts';

/**
 * A page of entries, and the absolute link to the next one.
 *
 * @param entries one more than the page holds, if there are that many
 * @param present an entry as clients see it
 * @param query of the request: the link repeats all of it but the cursor
 */
export function entryPage<Entry extends { readonly id: string }, Shown>(
  c: ApiContext,
  entries: readonly Entry[],
  present: (entry: Entry) => Shown,
  { limit, ...query }: { readonly limit: number; readonly [name: string]: unknown },
): { next: string | null; results: Shown[] } {
  const page = entries.slice(0, limit);
  const results = page.map(present);
  if (entries.length <= limit) return { next: null, results };
  const link = new URLSearchParams({ limit: String(limit), cursor: page.at(-1)?.id ?? '' });
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && name !== 'cursor') link.set(name, String(value));
  }
  return { next: `${c.get('facts').origin}${c.req.path}?${link}`, results };
}
