import type { CardDeps } from '#functions/api/http/deps.ts';
import { type AutoTopupDeps, createAutoTopups } from '#shared/service/domain/topups/auto-topups.ts';
import type { CardDesk } from '#shared/service/ports/card-desk.ts';

export type SellerDeps = Omit<AutoTopupDeps, 'desk'>;

/** What sells credit at a counter: on its pages, and by cards that were kept. */
export function sellByCard(desk: CardDesk, deps: SellerDeps): CardDeps {
  return { desk, auto: createAutoTopups({ ...deps, desk }) };
}
