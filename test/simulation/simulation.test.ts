import { expect, test } from 'vitest';
import { shrinkSteps } from './shrink.ts';
import { type Report, type Run, simulate } from './simulate.ts';
import type { StoreName } from './worlds/world.ts';

const text = (name: string, otherwise: string) => process.env[`SIMULATION_${name}`] ?? otherwise;
const STORES = text('STORES', 'sqlite,dynamo').split(',') as StoreName[];
const FIRST = Number(text('FIRST', '1'));
const SEEDS = Number(text('SEEDS', '50'));
const STRIDE = Number(text('STRIDE', '1'));
const STEPS = Number(text('STEPS', '80'));
const KEEP = text('KEEP', '');
const SHRINKS = text('SHRINK', '1') === '1';

test.each(STORES)(
  'jobs and money hold through faults of every port, from seeds, over %s',
  async (store) => {
    let [jobs, faults] = [0, 0];
    for (let i = 0; i < SEEDS; i++) {
      const run: Run = {
        ...{ store, seed: FIRST + i * STRIDE, steps: STEPS },
        ...(KEEP !== '' && { keep: new Set(KEEP.split(',').map(Number)) }),
      };
      const report = await simulate(run);
      jobs += report.jobs;
      faults += report.faults;
      if (report.failure !== undefined) expect.fail(await tell(run, report));
    }
    process.stdout.write(`${store}: ${SEEDS} seeds, ${jobs} jobs, ${faults} failed calls\n`);
  },
  24 * 3_600_000,
);

/** What failed, and the command that shows it again with as few steps as still fail. */
async function tell(run: Run, report: Report): Promise<string> {
  const all = Array.from({ length: run.steps }, (_, step) => step);
  const made = all.filter((step) => run.keep?.has(step) !== false);
  const replay = (steps: readonly number[]) => simulate({ ...run, keep: new Set(steps) });
  const fails = async (steps: readonly number[]) => (await replay(steps)).failure !== undefined;
  const kept = SHRINKS ? await shrinkSteps(made, fails) : made;
  const { failure = report.failure, story } = await replay(kept);
  const steps = (kept.at(-1) ?? -1) + 1;
  const keep = kept.length === steps ? '' : ` --keep ${kept.join(',')}`;
  return (
    `seed ${run.seed} fails at step ${failure?.step}: ${failure?.error.message}\n` +
    `replay: npm run simulate -- --store ${run.store} --seed ${run.seed} --steps ${steps}${keep}\n` +
    `${story.join('\n')}\n${failure?.error.stack}`
  );
}
