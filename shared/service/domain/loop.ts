/** Runs a turn at once when woken, else after a pause; never two at a time. */
export function createLoop(pollMs: number) {
  let running: Promise<void> | undefined;
  let stopped = false;
  let woken = false;
  let rouse = () => {};

  const pause = () =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, pollMs);
      rouse = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  const run = async (turn: () => Promise<void>): Promise<void> => {
    while (!stopped) {
      woken = false;
      await turn();
      if (!woken && !stopped) await pause();
    }
  };

  return {
    start(turn: () => Promise<void>) {
      running ??= run(turn);
    },
    wake() {
      woken = true;
      rouse();
    },
    async stop() {
      stopped = true;
      rouse();
      await running;
    },
  };
}
