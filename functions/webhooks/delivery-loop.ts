const POLL_MS = 1000;
/** Passes that may overlap, so that one slow receiver does not hold up the others. */
const MAX_PASSES = 8;

/** Delivers webhooks inside a server that runs for long: by a timer, and at once when woken. */
export function createDeliveryLoop(deps: {
  /** Tries what is due; resolves with how many entries there were. */
  readonly deliverDue: () => Promise<number>;
  readonly onError: (error: unknown) => void;
  readonly pollMs?: number;
}) {
  const passes = new Set<Promise<void>>();
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  const pass = async (): Promise<void> => {
    try {
      while (!stopped && (await deps.deliverDue()) > 0);
    } catch (error) {
      deps.onError(error);
    }
  };

  /** Looks for due webhooks now: something happened. */
  const wake = (): void => {
    if (stopped || passes.size >= MAX_PASSES) return;
    const running = pass().finally(() => passes.delete(running));
    passes.add(running);
  };

  return {
    start(): void {
      timer ??= setInterval(wake, deps.pollMs ?? POLL_MS);
      wake();
    },
    wake,
    /** Begins nothing more and waits for what is under way. */
    async stop(): Promise<void> {
      stopped = true;
      clearInterval(timer);
      await Promise.all(passes);
    },
  };
}
