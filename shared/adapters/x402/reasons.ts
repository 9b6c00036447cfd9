/** Facilitators' codes, by what is in them, in words; the first that fits. */
const WORDS: readonly (readonly [RegExp, string])[] = [
  [/insufficient/, 'the wallet does not have the amount'],
  [/nonce_already_used|already_used/, 'it was used before'],
  [/valid_before|expired/, 'it has expired'],
  [/valid_after|not_yet/, 'it is not valid yet'],
  [/value_mismatch|invalid_amount|authorization_value/, 'it is of another amount'],
  [/recipient/, 'it goes to another address'],
  [/network|chain/, 'it is for another network'],
  [/signature/, 'its signature is wrong'],
];

/**
 * Whether a facilitator's code says that nothing can come of a payment. Others, such as a transaction
 * that failed, leave it open whether something was sent to the chain.
 */
export function isRefusal(reason: string | undefined): boolean {
  return reason !== undefined && WORDS.some(([pattern]) => pattern.test(reason));
}

/** A facilitator's code in words; unknown ones as they are, cut to a line. */
export function sayWhy(reason: string | undefined): string {
  const code = (reason ?? 'unknown').replaceAll(/[^\w.-]/g, ' ').slice(0, 80);
  return WORDS.find(([pattern]) => pattern.test(code))?.[1] ?? `the facilitator says ${code}`;
}
