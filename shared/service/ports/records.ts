/**
 * What remains of ended predictions: their rows, without input and output, and what their webhooks went
 * through. A store that forgets by itself has none of this.
 */
export interface Records {
  /**
   * Removes, of each kind, up to `limit` of what ended before a time. The ledger stays.
   *
   * @returns how much was removed; 0 when nothing is left
   */
  removeBefore(before: number, limit: number): Promise<number>;

  /**
   * Puts one checked entry in the place of a month's holds and their ends, a few at a time, in months that
   * ended before a time.
   *
   * @returns how many ends were taken; 0 when nothing is left
   */
  compactLedger(before: number, limit: number): Promise<number>;
}
