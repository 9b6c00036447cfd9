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
}
