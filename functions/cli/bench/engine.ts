import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CommandContext } from '#functions/cli/command.ts';
import { withInterrupt } from '#functions/cli/interrupt.ts';
import { AppError } from '#shared/core/errors.ts';
import { assertCuda } from '#shared/engine/pipeline/cuda.ts';
import type { Bench } from './bench.ts';
import type { EngineTask } from './engine-task.ts';
import { type GpuReport, watchGpu } from './gpu-memory.ts';
import { type Likeness, likeness } from './likeness.ts';
import { type ImportRecord, measureImport } from './measure-import.ts';
import { fillPageCache } from './page-cache.ts';
import { type PhaseRecord, runTask } from './run-task.ts';
import { type ImageTimes, imageTimes } from './warm-times.ts';

const DEFAULT_RUNS = 2;
const DEFAULT_GPU_RUNS = 6;
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
  readonly compare: 'cpu' | 'none';
  readonly dir: string;
}

/** Does one task after the other, and keeps what each phase of them took. */
class Work {
  readonly phases: PhaseRecord[] = [];
  private readonly signal: AbortSignal;
  private readonly stderr: CommandContext['stderr'];

  constructor(signal: AbortSignal, stderr: CommandContext['stderr']) {
    this.signal = signal;
    this.stderr = stderr;
  }

  /** @param prefix put before the names of the task's phases */
  perform(task: EngineTask, prefix = '', onStart?: (processId?: number) => void) {
    return runTask(
      task,
      this.signal,
      (record) => {
        const named = { ...record, phase: `${prefix}${record.phase}` };
        this.phases.push(named);
        this.stderr.write(line(named));
      },
      onStart,
    );
  }
}

async function measure(context: CommandContext, signal: AbortSignal): Promise<void> {
  const settings = readSettings(context.values);
  if (settings.device === 'cuda') assertCuda();
  const { stderr, stdout } = context;
  const work = new Work(signal, stderr);
  mkdirSync(settings.dir, { recursive: true });
  const folder = mkdtempSync(join(settings.dir, 'onestep-bench-'));
  try {
    const { result: rate } = await work.perform({ kind: 'rate' });
    stderr.write(`machine: ${JSON.stringify(rate)}\n`);
    const { shape, dtype } = settings;
    const imported =
      settings.model === undefined
        ? await measureImport(shape, dtype, folder, (task) => work.perform(task), signal)
        : { model: settings.model, record: undefined };
    // The import's and the copy's own pages may have pushed the first of them out.
    await fillPageCache(imported.model, signal);
    const drawn = await drawImages(settings, imported.model, folder, work);
    const report = {
      ...settings,
      dir: undefined,
      machine: machine(rate),
      import: imported.record,
      ...drawn,
      phases: work.phases,
    };
    const text = work.phases.map(line).join('') + importLine(imported.record) + summary(drawn);
    stdout.write(context.values['json'] === true ? `${JSON.stringify(report)}\n` : text);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Drawn extends ImageTimes {
  readonly image: unknown;
  /** null on a CPU. */
  readonly gpu: GpuReport | null;
  /** The image beside the one that the CPU draws of the same package; null when not asked for. */
  readonly likeness: Likeness | null;
}

async function drawImages(
  { device, size, runs, compare }: Settings,
  model: string,
  folder: string,
  work: Work,
): Promise<Drawn> {
  const pixels = (name: string) => join(folder, `${name}.rgb`);
  const task = { kind: 'run', model, device, size, runs, pixels: pixels('drawn') } as const;
  const perform = (onStart?: (processId?: number) => void) => work.perform(task, '', onStart);
  const { done, gpu } =
    device === 'cuda' ? await watchGpu(perform) : { done: await perform(), gpu: null };
  let alike: Likeness | null = null;
  if (compare === 'cpu') {
    const again = { ...task, device: 'cpu', runs: 1, pixels: pixels('compared') } as const;
    await work.perform(again, 'cpu ');
    alike = likeness(readFileSync(pixels('drawn')), readFileSync(pixels('compared')));
  }
  return { image: done.result, ...imageTimes(done.phases), gpu, likeness: alike };
}

function summary({ firstImageSeconds, warmMs, gpu, likeness: alike }: Drawn): string {
  const lines = [`first image: ${firstImageSeconds.toFixed(2)} s after loading`];
  if (warmMs !== null) {
    const stages = Object.entries(warmMs).map(([name, ms]) => `${name} ${ms.toFixed(1)}`);
    lines.push(`later images, median ms: ${stages.join(', ')}`);
  }
  if (gpu !== null) {
    lines.push(
      gpu.peakBytes === null
        ? `GPU memory: not known, ${gpu.reason}`
        : `GPU memory: ${(gpu.peakBytes / GIGABYTE).toFixed(2)} GB of the ${gpu.counted} (${gpu.name}, driver ${gpu.driver})`,
    );
  }
  if (alike !== null) {
    const noise = alike.psnrDb === null ? 'equal to the last bit' : `${alike.psnrDb} dB`;
    lines.push(`beside the CPU's image: ${noise}, largest difference ${alike.largest}`);
  }
  return lines.map((text) => `${text}\n`).join('');
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
  const device = choice('device', ['cpu', 'cuda']);
  const onGpu = device === 'cuda';
  const dtype = choice('dtype', onGpu ? ['fp16', 'fp32'] : ['fp32', 'fp16']);
  if (onGpu && dtype === 'fp32') {
    throw new AppError('invalid-request', 'CUDA draws from float16: leave --dtype out.');
  }
  return {
    shape: choice('shape', ['sdxl', 'demo']),
    dtype,
    device,
    size: whole('size'),
    runs: whole('runs') ?? (onGpu ? DEFAULT_GPU_RUNS : DEFAULT_RUNS),
    compare: choice('compare', onGpu ? ['cpu', 'none'] : ['none', 'cpu']),
    model: model === '' ? undefined : model,
    dir: text('dir', tmpdir()),
  };
}

const machine = (rate: unknown): object => ({
  processor: cpus()[0]?.model ?? 'unknown',
  threads: availableParallelism(),
  ...(typeof rate === 'object' ? rate : {}),
});

function importLine(record: ImportRecord | undefined): string {
  if (record === undefined) return '';
  const { bytes, copySeconds, speedOfCopy } = record;
  const size = `${(bytes / GIGABYTE).toFixed(2)} GB`;
  return `import: cp writes the same ${size} in ${copySeconds.toFixed(2)} s, so at ${speedOfCopy.toFixed(2)} of its speed\n`;
}

function line({ phase, seconds, peakRssBytes, peakAnonymousBytes }: PhaseRecord): string {
  const gigabytes = (bytes: number) => (bytes / GIGABYTE).toFixed(2).padStart(6);
  return `${phase.padEnd(11)}${seconds.toFixed(2).padStart(8)} s  RSS${gigabytes(peakRssBytes)} GB  anonymous${gigabytes(peakAnonymousBytes)} GB\n`;
}
