/** A signal that aborts with the first of two, of which the second may be missing. */
export const eitherSignal = (first: AbortSignal, second: AbortSignal | undefined): AbortSignal =>
  second === undefined ? first : AbortSignal.any([first, second]);
