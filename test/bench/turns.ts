/** Runs of each operation; the median counts. */
const RUNS = 5;

/** What an operation took, in milliseconds. */
export interface TurnTimes {
  readonly ms: number;
  /** The longest that it kept everybody else waiting, of processor time and by the clock. */
  readonly longest_turn_cpu_ms: number;
  readonly longest_turn_ms: number;
}

/** Times an operation and the turns of the event loop that it takes; other work on the machine has a share in all but the processor time. */
export async function timeTurns(run: () => Promise<unknown>, runs = RUNS): Promise<TurnTimes> {
  const times: TurnTimes[] = [];
  for (let i = 0; i < runs; i++) times.push(await timeOnce(run));
  const median = (name: keyof TurnTimes) =>
    times.map((one) => one[name]).sort((a, b) => a - b)[runs >> 1] ?? 0;
  return {
    ms: round(median('ms')),
    longest_turn_cpu_ms: round(median('longest_turn_cpu_ms')),
    longest_turn_ms: round(median('longest_turn_ms')),
  };
}

async function timeOnce(run: () => Promise<unknown>): Promise<TurnTimes> {
  globalThis.gc?.();
  let isOver = false;
  let [longestCpu, longest] = [0, 0];
  let [cpu, at] = [cpuMs(), performance.now()];
  const look = (): void => {
    const [cpuNow, now] = [cpuMs(), performance.now()];
    longestCpu = Math.max(longestCpu, cpuNow - cpu);
    longest = Math.max(longest, now - at);
    [cpu, at] = [cpuNow, now];
    if (!isOver) setImmediate(look);
  };
  setImmediate(look);
  const begun = performance.now();
  await run();
  const ms = performance.now() - begun;
  isOver = true;
  look();
  return { ms, longest_turn_cpu_ms: longestCpu, longest_turn_ms: longest };
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

const round = (ms: number): number => Math.round(ms * 100) / 100;
