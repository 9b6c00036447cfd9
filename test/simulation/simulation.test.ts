import { expect, test } from 'vitest';
import { shrink, simulate } from './simulate.ts';

const number = (name: string, otherwise: number) => Number(process.env[name] ?? otherwise);
const FIRST = number('SIMULATION_FIRST', 1);
const SEEDS = number('SIMULATION_SEEDS', 100);
const STRIDE = number('SIMULATION_STRIDE', 1);
const STEPS = number('SIMULATION_STEPS', 80);
const SKIP = new Set((process.env['SIMULATION_SKIP'] ?? '').split(',').filter(Boolean).map(Number));

test(
  'jobs and money hold through faults of every port, from seeds',
  async () => {
    let [jobs, faults] = [0, 0];
    for (let i = 0; i < SEEDS; i++) {
      const run = { seed: FIRST + i * STRIDE, steps: STEPS, skip: SKIP };
      const report = await simulate(run);
      jobs += report.jobs;
      faults += report.faults;
      if (report.failure === undefined) continue;
      const small = process.env['SIMULATION_SHRINK'] === '0' ? run : await shrink(run);
      const skipped = [...(small.skip ?? [])].join(',');
      const replay = `npm run simulate -- --seed ${small.seed} --steps ${small.steps}`;
      const { step, error } = (await simulate(small)).failure ?? report.failure;
      expect.fail(
        `seed ${small.seed} fails at step ${step}: ${error.message}\n` +
          `replay: ${replay}${skipped === '' ? '' : ` --skip ${skipped}`}\n${error.stack}`,
      );
    }
    process.stdout.write(`${SEEDS} seeds, ${jobs} jobs, ${faults} failed calls\n`);
  },
  24 * 3_600_000,
);
