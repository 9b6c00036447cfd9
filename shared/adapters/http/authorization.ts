const SCHEME = /^(?:bearer|token|key) +(\S+) *$/i;

/**
 * The API key of an `Authorization` header; undefined when there is none. OpenAI's and Replicate's
 * clients say `Bearer`, older Replicate clients `Token`, fal's `Key`.
 */
export function keyOfAuthorization(header: string | null | undefined): string | undefined {
  return header === null || header === undefined ? undefined : SCHEME.exec(header)?.[1];
}
