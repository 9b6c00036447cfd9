/** How a deployment of one instance deals with orders. All times are in seconds. */
export interface DayPolicy {
  /** From an order that finds no instance until one is asked for. */
  readonly noticedAfter: number;
  /** From then until it draws: provisioning, image, weights, loading, warm-up. */
  readonly wake: number;
  /** Without an order, until the instance is taken away. */
  readonly idle: number;
  /** Between two pictures of a backlog. */
  readonly perImage: number;
  /** From a picture's turn until it is stored and told of. */
  readonly latency: number;
}

export interface Day {
  readonly images: number;
  readonly wakes: number;
  /** Hours for which the instance is billed. */
  readonly instanceHours: number;
  /** Seconds from an order to its picture. */
  readonly meanWait: number;
  readonly medianWait: number;
  readonly p95Wait: number;
}

const DAY_SECONDS = 24 * 3600;

/**
 * When the pictures of a day are ordered: people come between eight and ten at night, stay for twenty
 * pictures, and order one in twenty seconds on average. The same numbers give the same day.
 *
 * @returns seconds since midnight, in order
 */
export function ordersOfDay(images: number, seed: number): number[] {
  const random = createRandom(seed);
  const perSession = Math.min(20, images);
  const orders: number[] = [];
  while (orders.length < images) {
    let at = (8 + 14 * random()) * 3600;
    for (let i = 0; i < perSession && orders.length < images; i += 1) {
      orders.push(at);
      at += -20 * Math.log(1 - random());
    }
  }
  return orders.sort((a, b) => a - b);
}

/** Lets a day's orders pass through one instance. */
export function simulateDay(orders: readonly number[], policy: DayPolicy): Day {
  const waits: number[] = [];
  let wakes = 0;
  let billed = 0;
  /** When the instance was asked for; it is there until `sleepsAt`. */
  let since = 0;
  let sleepsAt = Number.NEGATIVE_INFINITY;
  /** When it can begin with the next picture. */
  let free = 0;
  for (const at of orders) {
    if (at > sleepsAt) {
      if (wakes > 0) billed += sleepsAt - since;
      wakes += 1;
      since = at + policy.noticedAfter;
      free = since + policy.wake;
    }
    const begins = Math.max(at, free);
    free = begins + policy.perImage;
    const ends = begins + policy.latency;
    waits.push(ends - at);
    sleepsAt = ends + policy.idle;
  }
  if (wakes > 0) billed += Math.min(sleepsAt, 2 * DAY_SECONDS) - since;
  const sorted = [...waits].sort((a, b) => a - b);
  const quantile = (share: number) => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
  return {
    images: orders.length,
    wakes,
    instanceHours: billed / 3600,
    meanWait: waits.reduce((sum, wait) => sum + wait, 0) / Math.max(1, waits.length),
    medianWait: quantile(0.5),
    p95Wait: quantile(0.95),
  };
}

/** Numbers between 0 and 1 from a seed (mulberry32). */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
