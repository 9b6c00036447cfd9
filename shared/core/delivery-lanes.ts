import type { OutboxEntry } from './outbox.ts';

/** What an account's receivers on one host share: `acc_1 hooks.example.com`. */
export function laneOf({ account, url }: Pick<OutboxEntry, 'account' | 'url'>): string {
  return `${account} ${hostOf(url)}`;
}

/** As it stands in the URL, with its port: stores take it from there in their own languages. */
function hostOf(url: string): string {
  const rest = url.slice(url.indexOf('//') + 2);
  const end = rest.indexOf('/');
  return end === -1 ? rest : rest.slice(0, end);
}

/** Which entries a caller has room for. */
export interface LaneRoom {
  /** The most of one lane. */
  readonly each: number;
  /** Lanes, and accounts as a whole, that have no room. */
  readonly full: readonly string[];
}

/** Lets through what there is room for, as entries come. */
export function createLaneFilter({ each, full }: LaneRoom): (entry: OutboxEntry) => boolean {
  const closed = new Set(full);
  const taken = new Map<string, number>();
  return (entry) => {
    const lane = laneOf(entry);
    const count = taken.get(lane) ?? 0;
    if (count >= each || closed.has(lane) || closed.has(entry.account)) return false;
    taken.set(lane, count + 1);
    return true;
  };
}
