import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import type { CommandContext } from '#functions/cli/command.ts';
import { type Manifest, readManifest } from '#shared/engine/package/manifest.ts';
import { assertCuda } from '#shared/engine/pipeline/cuda.ts';
import { assertPictureSize } from '#shared/engine/pipeline/picture-size.ts';
import type { EngineTask, Shape } from './engine-task.ts';
import { type GpuReport, watchGpu } from './gpu-memory.ts';
import { type Likeness, likeness } from '#shared/engine/pipeline/likeness.ts';
import { type ImportRecord, measureImport } from './measure-import.ts';
import { fillPageCache } from './page-cache.ts';
import { type Profile, profileText, readProfile } from './profile.ts';
import { type PhaseRecord, runTask, type TaskRecord } from './run-task.ts';
import { type ImageTimes, imageTimes } from './warm-times.ts';

const GIGABYTE = 1e9;

/** Pixels per side that decoders of SDXL's size are measured at. */
const DECODERS_SIDE = 1024;

/** What to measure, and with what. */
export interface EngineSettings {
  readonly shape: Shape;
  readonly dtype: Manifest['dtype'];
  /** `tiny`: a small decoder of random weights comes besides. */
  readonly decoder: 'vae' | 'tiny';
  readonly device: 'cpu' | 'cuda';
  /** Pixels; the model's own where undefined. */
  readonly size: number | undefined;
  readonly runs: number;
  /** A package to measure; one of the shape is imported where undefined. */
  readonly model: string | undefined;
  readonly compare: 'cpu' | 'none';
  /** Whether to draw two more images with ONNX Runtime's profiler. */
  readonly profile: boolean;
  readonly dir: string;
}

/** Performs a task in a process of its own; the prefix stands before the names of its phases. */
type Perform = (
  task: EngineTask,
  prefix?: string,
  onStart?: (processId?: number) => void,
) => Promise<TaskRecord>;

/**
 * Imports a model, loads it and draws images: seconds and peak memory of each phase.
 *
 * @throws AppError `unavailable` without a CUDA device where one was asked for
 */
export async function measureEngine(
  settings: EngineSettings,
  stderr: CommandContext['stderr'],
  signal: AbortSignal,
) {
  const { shape, dtype, dir, ...rest } = settings;
  if (settings.device === 'cuda') assertCuda();
  const phases: PhaseRecord[] = [];
  const perform: Perform = (task, prefix = '', onStart = undefined) => {
    const onPhase = (record: PhaseRecord) => {
      const named = { ...record, phase: `${prefix}${record.phase}` };
      phases.push(named);
      stderr.write(phaseLine(named));
    };
    return runTask(task, signal, onPhase, onStart);
  };
  mkdirSync(dir, { recursive: true });
  const folder = mkdtempSync(join(dir, 'onestep-bench-'));
  try {
    const { result: rate } = await perform({ kind: 'rate' });
    stderr.write(`machine: ${JSON.stringify(rate)}\n`);
    const imported =
      settings.model === undefined
        ? await measureImport(settings, folder, perform, signal)
        : { model: settings.model, record: undefined };
    // The import and the copy may have pushed some of the package out of the page cache.
    await fillPageCache(imported.model, signal);
    const drawn = await drawImages(settings, imported.model, folder, perform);
    const machine = {
      processor: cpus()[0]?.model ?? 'unknown',
      threads: availableParallelism(),
      ...(rate as object),
    };
    return { shape, dtype, ...rest, machine, import: imported.record, ...drawn, phases };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export type EngineReport = Awaited<ReturnType<typeof measureEngine>>;

/** The report as lines for a person. */
export function engineReport(report: EngineReport): string {
  return report.phases.map(phaseLine).join('') + importLine(report.import) + summary(report);
}

interface Drawn extends ImageTimes {
  readonly image: unknown;
  /** Null on a CPU. */
  readonly gpu: GpuReport | null;
  /** How far it is from the image that the CPU draws of the same package; null unless asked for. */
  readonly likeness: Likeness | null;
  /** What each kind of operator took; null unless asked for. */
  readonly profile: Profile | null;
}

async function drawImages(
  { shape, device, size, runs, compare, profile, model: given }: EngineSettings,
  model: string,
  folder: string,
  perform: Perform,
): Promise<Drawn> {
  const { defaultWidth, multiple } = readManifest(model).size;
  const ownSide = shape === 'decoders' && given === undefined ? DECODERS_SIDE : defaultWidth;
  const side = size ?? ownSide;
  assertPictureSize(side, side, multiple, '--size: ');
  const pixels = (name: string) => join(folder, `${name}.rgb`);
  const task = { kind: 'run', model, device, side, runs, pixels: pixels('drawn') } as const;
  const draw = (onStart?: (processId?: number) => void) => perform(task, '', onStart);
  const { done, gpu } =
    device === 'cuda' ? await watchGpu(draw) : { done: await draw(), gpu: null };
  let profiled: Profile | null = null;
  if (profile) {
    const into = join(folder, 'profile');
    mkdirSync(into);
    // A process of its own, for the profiler takes time; of its two images the second is looked at.
    await perform({ ...task, runs: 2, pixels: pixels('profiled'), profile: into }, 'profiled ');
    profiled = readProfile(into);
  }
  let alike: Likeness | null = null;
  if (compare === 'cpu') {
    const again = { ...task, device: 'cpu', runs: 1, pixels: pixels('compared') } as const;
    await perform(again, 'cpu ');
    alike = likeness(readFileSync(pixels('drawn')), readFileSync(pixels('compared')));
  }
  return {
    image: done.result,
    ...imageTimes(done.phases),
    gpu,
    likeness: alike,
    profile: profiled,
  };
}

function summary({ firstImageSeconds, warmMs, gpu, likeness: alike, profile }: Drawn): string {
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
  return lines.map((text) => `${text}\n`).join('') + profileText(profile ?? {});
}

function importLine(record: ImportRecord | undefined): string {
  if (record === undefined) return '';
  const { bytes, copySeconds, speedOfCopy } = record;
  const size = `${(bytes / GIGABYTE).toFixed(2)} GB`;
  return `import: cp writes the same ${size} in ${copySeconds.toFixed(2)} s, so at ${speedOfCopy.toFixed(2)} of its speed\n`;
}

function phaseLine({ phase, seconds, peakRssBytes, peakAnonymousBytes }: PhaseRecord): string {
  const gigabytes = (bytes: number) => (bytes / GIGABYTE).toFixed(2).padStart(6);
  return `${phase.padEnd(16)}${seconds.toFixed(2).padStart(8)} s  RSS${gigabytes(peakRssBytes)} GB  anonymous${gigabytes(peakAnonymousBytes)} GB\n`;
}
