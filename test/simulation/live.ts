import { type Run, simulate } from './simulate.ts';
import { tell } from './tell.ts';

/** A life that is to be lived; its steps as a list, which can be sent to another process. */
export interface Order extends Omit<Run, 'keep'> {
  readonly keep?: readonly number[];
  readonly shrinks: boolean;
}

export interface Outcome {
  readonly jobs: number;
  readonly faults: number;
  /** What failed, for a reader. */
  readonly failure?: string;
}

export async function live({ keep, shrinks, ...rest }: Order): Promise<Outcome> {
  const run: Run = { ...rest, ...(keep && { keep: new Set(keep) }) };
  const report = await simulate(run);
  const { jobs, faults, failure } = report;
  if (failure === undefined) return { jobs, faults };
  return { jobs, faults, failure: await tell(run, report, shrinks) };
}
