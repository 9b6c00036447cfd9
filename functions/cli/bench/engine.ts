import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CommandContext } from '#functions/cli/command.ts';
import { withInterrupt } from '#functions/cli/interrupt.ts';
import { AppError } from '#shared/core/errors.ts';
import type { Bench } from './bench.ts';
import type { EngineTask } from './engine-task.ts';
import { type PhaseRecord, runTask } from './run-task.ts';

const DEMO = fileURLToPath(new URL('../../../models/demo', import.meta.url));
const DEFAULT_RUNS = 2;
const GIGABYTE = 1e9;

export const engineBench: Bench = {
  summary: 'import a model, load it and draw images; seconds and peak memory of each phase',
  run: (context) => withInterrupt('bench', (signal) => measure(context, signal)),
};

interface Settings {
  readonly shape: 'sdxl' | 'demo';
  readonly dtype: 'fp32' | 'fp16';
  readonly device: 'cpu' | 'cuda';
  readonly size: number | undefined;
  readonly runs: number;
  readonly model: string | undefined;
  readonly dir: string;
}

async function measure(context: CommandContext, signal: AbortSignal): Promise<void> {
  const settings = readSettings(context.values);
  const { stderr } = context;
  const phases: PhaseRecord[] = [];
  const perform = async (task: EngineTask): Promise<unknown> => {
    const { result } = await runTask(task, signal, (record) => {
      phases.push(record);
      stderr.write(line(record));
    });
    return result;
  };
  mkdirSync(settings.dir, { recursive: true });
  const folder = mkdtempSync(join(settings.dir, 'onestep-bench-'));
  try {
    const rate = await perform({ kind: 'rate' });
    stderr.write(`machine: ${JSON.stringify(rate)}\n`);
    const imported = settings.model ?? (await importShape(settings, folder, perform));
    const { device, size, runs } = settings;
    const image = await perform({ kind: 'run', model: imported, device, size, runs });
    const report = { ...settings, dir: undefined, machine: machine(rate), image, phases };
    context.stdout.write(
      context.values['json'] === true ? `${JSON.stringify(report)}\n` : phases.map(line).join(''),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Makes the package that is measured; returns its folder. */
async function importShape(
  { shape, dtype }: Settings,
  folder: string,
  perform: (task: EngineTask) => Promise<unknown>,
): Promise<string> {
  const out = join(folder, 'package');
  if (shape === 'demo') {
    const unet = join(DEMO, 'onestep_unet.bin');
    await perform({ kind: 'import', repository: join(DEMO, 'repo'), unet, out, dtype });
    return out;
  }
  const repository = join(folder, 'repository');
  await perform({ kind: 'write', repository, tokenizers: join(DEMO, 'repo') });
  await perform({ kind: 'import', repository, out, dtype });
  // Room on the disk and in the page cache for what comes next.
  rmSync(repository, { recursive: true });
  return out;
}

function readSettings(values: CommandContext['values']): Settings {
  const text = (name: string, fallback: string) => {
    const value = values[name];
    return typeof value === 'string' ? value : fallback;
  };
  const choice = <T extends string>(name: string, choices: readonly [T, ...T[]]): T => {
    const value = text(name, choices[0]);
    const known = choices.find((allowed) => allowed === value);
    if (known !== undefined) return known;
    throw new AppError('invalid-request', `--${name} is ${choices.join(' or ')}.`);
  };
  const whole = (name: string): number | undefined => {
    const value = values[name];
    if (value === undefined) return undefined;
    const parsed = Number(value);
    if (Number.isInteger(parsed) && parsed > 0) return parsed;
    throw new AppError('invalid-request', `--${name} is a whole number above 0.`);
  };
  const model = text('model', '');
  if (model !== '' && !existsSync(model)) {
    throw new AppError('file-not-found', `${model}: there is no such folder.`);
  }
  return {
    shape: choice('shape', ['sdxl', 'demo']),
    dtype: choice('dtype', ['fp32', 'fp16']),
    device: choice('device', ['cpu', 'cuda']),
    size: whole('size'),
    runs: whole('runs') ?? DEFAULT_RUNS,
    model: model === '' ? undefined : model,
    dir: text('dir', tmpdir()),
  };
}

const machine = (rate: unknown): object => ({
  processor: cpus()[0]?.model ?? 'unknown',
  threads: availableParallelism(),
  ...(typeof rate === 'object' ? rate : {}),
});

function line({ phase, seconds, peakRssBytes, peakAnonymousBytes }: PhaseRecord): string {
  const gigabytes = (bytes: number) => (bytes / GIGABYTE).toFixed(2).padStart(6);
  return `${phase.padEnd(7)}${seconds.toFixed(2).padStart(8)} s  RSS${gigabytes(peakRssBytes)} GB  anonymous${gigabytes(peakAnonymousBytes)} GB\n`;
}
