import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CommandContext } from '#functions/cli/command.ts';
import { withInterrupt } from '#functions/cli/interrupt.ts';
import { AppError } from '#shared/core/errors.ts';
import type { Bench } from './bench.ts';
import type { EngineTask } from './engine-task.ts';
import { type ImportRecord, measureImport } from './measure-import.ts';
import { type PhaseRecord, runTask, type TaskRecord } from './run-task.ts';

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
  const perform = (task: EngineTask): Promise<TaskRecord> =>
    runTask(task, signal, (record) => {
      phases.push(record);
      stderr.write(line(record));
    });
  mkdirSync(settings.dir, { recursive: true });
  const folder = mkdtempSync(join(settings.dir, 'onestep-bench-'));
  try {
    const { result: rate } = await perform({ kind: 'rate' });
    stderr.write(`machine: ${JSON.stringify(rate)}\n`);
    const { shape, dtype, device, size, runs } = settings;
    const imported =
      settings.model === undefined
        ? await measureImport(shape, dtype, folder, perform)
        : { model: settings.model, record: undefined };
    signal.throwIfAborted();
    if (imported.record !== undefined) stderr.write(importLine(imported.record));
    const { model } = imported;
    const { result: image } = await perform({ kind: 'run', model, device, size, runs });
    const report = {
      ...settings,
      dir: undefined,
      machine: machine(rate),
      import: imported.record,
      image,
      phases,
    };
    context.stdout.write(
      context.values['json'] === true ? `${JSON.stringify(report)}\n` : phases.map(line).join(''),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
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

function importLine({ bytes, copySeconds, speedOfCopy }: ImportRecord): string {
  const size = `${(bytes / GIGABYTE).toFixed(2)} GB`;
  return `import: cp writes the same ${size} in ${copySeconds.toFixed(2)} s, so at ${speedOfCopy.toFixed(2)} of its speed\n`;
}

function line({ phase, seconds, peakRssBytes, peakAnonymousBytes }: PhaseRecord): string {
  const gigabytes = (bytes: number) => (bytes / GIGABYTE).toFixed(2).padStart(6);
  return `${phase.padEnd(7)}${seconds.toFixed(2).padStart(8)} s  RSS${gigabytes(peakRssBytes)} GB  anonymous${gigabytes(peakAnonymousBytes)} GB\n`;
}
