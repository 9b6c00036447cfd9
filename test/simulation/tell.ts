import { shrinkSteps } from './shrink.ts';
import { type Report, type Run, simulate } from './simulate.ts';

/**
 * What failed, and the command that shows it again.
 *
 * @param shrinks whether with as few steps as still fail
 */
export async function tell(run: Run, report: Report, shrinks: boolean): Promise<string> {
  const all = Array.from({ length: run.steps }, (_, step) => step);
  const made = all.filter((step) => run.keep?.has(step) !== false);
  const replay = (steps: readonly number[]) => simulate({ ...run, keep: new Set(steps) });
  const fails = async (steps: readonly number[]) => (await replay(steps)).failure !== undefined;
  const kept = shrinks ? await shrinkSteps(made, fails) : made;
  const { failure = report.failure, story } = await replay(kept);
  const steps = (kept.at(-1) ?? -1) + 1;
  const keep = kept.length === steps ? '' : ` --keep ${kept.join(',')}`;
  return (
    `seed ${run.seed} fails at step ${failure?.step}: ${failure?.error.message}\n` +
    `replay: npm run simulate -- --store ${run.store} --seed ${run.seed} --steps ${steps}${keep}\n` +
    `${story.join('\n')}\n${failure?.error.stack}\n`
  );
}
