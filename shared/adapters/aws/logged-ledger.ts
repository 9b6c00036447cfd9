import type { Ledger } from '#shared/service/ports/ledger.ts';
import type { JsonLog } from './json-log.ts';

/** The ledger, with a line for each grant, which the metric of credits is read off. */
export function createLoggedLedger(ledger: Ledger, log: Pick<JsonLog, 'event'>): Ledger {
  return {
    ...ledger,
    grant: async (grant) => {
      const result = await ledger.grant(grant);
      if (result.outcome === 'granted') {
        log.event('credit-granted', { account: grant.account, amountMicroUsd: grant.amount });
      }
      return result;
    },
  };
}
