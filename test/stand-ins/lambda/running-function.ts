import {
  type EnvironmentOptions,
  type ExecutionEnvironment,
  FunctionError,
  type RuntimeAnswer,
  startEnvironment,
} from './environment.ts';

/** A function that answers as many events at a time as it may. */
export interface RunningFunction {
  /** @throws FunctionError that says how the function failed */
  invoke(event: unknown): Promise<RuntimeAnswer>;
  /** How many environments were started, and the most memory that one of them took. */
  readonly starts: () => number;
  readonly peakBytes: () => number;
  stop(): Promise<void>;
}

/** Starts environments as events come: one for each event that no idle one can take. */
export function runFunction(options: EnvironmentOptions, maxConcurrency: number): RunningFunction {
  const all = new Set<ExecutionEnvironment>();
  const idle: ExecutionEnvironment[] = [];
  let running = 0;
  let starts = 0;
  let peak = 0;
  const notePeak = (environment: ExecutionEnvironment) => {
    peak = Math.max(peak, environment.peakBytes() ?? 0);
  };
  const begin = async () => {
    starts++;
    try {
      const environment = await startEnvironment(options);
      all.add(environment);
      return environment;
    } catch (error) {
      running--;
      throw error;
    }
  };
  /** One that stands still; a process may have been ended meanwhile. */
  const takeIdle = (): ExecutionEnvironment | undefined => {
    for (let taken = idle.pop(); taken !== undefined; taken = idle.pop()) {
      if (taken.isAlive()) return taken;
    }
    return undefined;
  };
  const giveBack = async (environment: ExecutionEnvironment) => {
    running--;
    notePeak(environment);
    if (environment.isAlive()) {
      idle.push(environment);
      return;
    }
    all.delete(environment);
    await environment.stop();
  };
  return {
    async invoke(event) {
      if (running >= maxConcurrency) {
        throw new FunctionError('TooManyRequestsException', 'Rate Exceeded.');
      }
      running++;
      const environment = takeIdle() ?? (await begin());
      const { answer, released } = environment.handle(event);
      void released.then(() => giveBack(environment));
      return answer;
    },
    starts: () => starts,
    peakBytes: () => {
      for (const environment of all) notePeak(environment);
      return peak;
    },
    async stop() {
      await Promise.all([...all].map((environment) => environment.stop()));
    },
  };
}
