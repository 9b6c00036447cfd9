/** What the runner needs of the page; `Order` is what the form says, `Picture` what came of it. */
export interface LivePage<Order, Picture> {
  /** Orders a picture and waits for it. */
  make(order: Order): Promise<Picture>;
  /** Shows a picture; a later one is on its way where `isLast` is false. */
  show(picture: Picture, order: Order, isLast: boolean): void;
  /** Whether the page has gone on to something that this order's picture would be wrong beside. */
  isStale(order: Order): boolean;
  /** An order failed, and no newer one waits. */
  failed(problem: unknown, order: Order): void;
  /** How long to wait before the same may be tried again, in milliseconds; undefined: never. */
  retryAfterMs(problem: unknown): number | undefined;
  sleep(ms: number): Promise<void>;
}

/**
 * Live orders: at most one runs and one waits. A newer one replaces the one that waits; a running one is let
 * finish, since a cancel costs the worker more than the picture.
 */
export function createLiveRunner<Order, Picture>(page: LivePage<Order, Picture>) {
  let waiting: Order | undefined;
  let isRunning = false;
  /** Grows with every stop: what was begun before is not shown. */
  let era = 0;

  const attempt = async (order: Order, mine: number): Promise<void> => {
    try {
      const picture = await page.make(order);
      if (mine === era && !page.isStale(order)) {
        page.show(picture, order, waiting === undefined);
      }
    } catch (problem) {
      if (mine !== era) return;
      const waitMs = page.retryAfterMs(problem);
      if (waitMs !== undefined) {
        await page.sleep(waitMs);
        if (mine === era) waiting ??= order;
      } else if (waiting === undefined) page.failed(problem, order);
    }
  };

  const run = async (): Promise<void> => {
    isRunning = true;
    while (waiting !== undefined) {
      const order = waiting;
      waiting = undefined;
      await attempt(order, era);
    }
    isRunning = false;
  };

  return {
    /** Orders what the form says now, as soon as there is room. */
    want(order: Order): void {
      waiting = order;
      if (!isRunning) void run();
    },
    /** Nothing waits any more, and what runs will not be shown. */
    stop(): void {
      waiting = undefined;
      era++;
    },
    /** Whether anything is on its way. */
    isBusy: (): boolean => isRunning || waiting !== undefined,
  };
}

export type LiveRunner<Order> = Pick<
  ReturnType<typeof createLiveRunner<Order, unknown>>,
  'want' | 'stop' | 'isBusy'
>;
