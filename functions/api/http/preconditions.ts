/** By what an answer's bytes are told from those of other times (RFC 9110 §8.8). */
export interface Validators {
  /** Strong: with its quotes. */
  readonly etag: string;
  readonly lastModified: string;
}

/**
 * Whether a GET or HEAD may be answered with 304: the client has these very bytes (RFC 9110 §13.2.2). A
 * date counts only where no tag is given.
 */
export function isKnown(headers: Headers, { etag, lastModified }: Validators): boolean {
  const tags = headers.get('if-none-match');
  if (tags !== null) return tags.trim() === '*' || tagsOf(tags).includes(etag);
  return Date.parse(headers.get('if-modified-since') ?? '') >= Date.parse(lastModified);
}

/** Whether a `Range` counts: not where the client holds a part of other bytes (RFC 9110 §13.1.5). */
export function isRangeOfThese(headers: Headers, { etag, lastModified }: Validators): boolean {
  const held = headers.get('if-range')?.trim();
  return held === undefined || held === etag || held === lastModified;
}

/** Compared weakly: `W/` says nothing. */
const tagsOf = (list: string): string[] =>
  list.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
