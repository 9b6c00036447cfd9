import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { AppError } from '#shared/core/errors.ts';
import { CUDA_ENVIRONMENT } from '#shared/engine/pipeline/cuda.ts';
import { ALLOCATOR_ENVIRONMENT } from '#shared/engine/pipeline/sessions.ts';
import type { EngineMessage, EngineTask } from './engine-task.ts';
import { MemoryWatch } from './memory-watch.ts';

const CHILD = fileURLToPath(new URL('./engine-child.ts', import.meta.url));

/**
 * Kernels run beside the thread that launches them, and the profiler looks at that thread's clock: without
 * this, CUDA's operators would seem to take no longer than their launches.
 */
const PROFILE_ENVIRONMENT = { CUDA_LAUNCH_BLOCKING: '1' };

export interface PhaseRecord {
  readonly phase: string;
  readonly seconds: number;
  readonly peakRssBytes: number;
  readonly peakAnonymousBytes: number;
}

export interface TaskRecord {
  readonly phases: readonly PhaseRecord[];
  readonly result: unknown;
}

/**
 * Does a task in a process of its own and watches its memory, phase by phase.
 *
 * @param onStart called with the process's number
 * @throws AppError `model-error` when the task fails or its process dies
 */
export function runTask(
  task: EngineTask,
  signal: AbortSignal,
  onPhase: (record: PhaseRecord) => void,
  onStart: (processId: number | undefined) => void = () => undefined,
): Promise<TaskRecord> {
  const isProfiled = task.kind === 'run' && task.profile !== undefined;
  const child = fork(CHILD, [JSON.stringify(task)], {
    execArgv: ['--import', import.meta.resolve('#typescript-loader')],
    // As the server starts its engine.
    env: {
      ...ALLOCATOR_ENVIRONMENT,
      ...CUDA_ENVIRONMENT,
      ...process.env,
      ...(isProfiled ? PROFILE_ENVIRONMENT : {}),
    },
    // Results and progress go over the channel; stdout stays free for the one JSON document.
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  onStart(child.pid);
  return new Promise((resolve, reject) => {
    const kill = () => child.kill('SIGKILL');
    signal.addEventListener('abort', kill, { once: true });
    const watch = new MemoryWatch(child.pid ?? 0);
    const phases: PhaseRecord[] = [];
    let phase = '';
    let outcome: TaskRecord | AppError | undefined;
    child.on('message', (message: EngineMessage) => {
      if (message.kind === 'begin') {
        phase = message.phase;
        watch.reset();
        child.send('go');
      } else if (message.kind === 'end') {
        const record = { phase, seconds: message.seconds, ...watch.peak() };
        phases.push(record);
        onPhase(record);
      } else if (message.kind === 'done') outcome = { phases, result: message.result };
      else outcome = new AppError('model-error', message.message);
    });
    child.on('error', reject);
    child.on('exit', (code, killedBy) => {
      signal.removeEventListener('abort', kill);
      watch.stop();
      const died = `The measured process ended early (${killedBy ?? `exit code ${code}`}).`;
      if (signal.aborted) reject(signal.reason);
      else if (outcome instanceof AppError) reject(outcome);
      else if (outcome === undefined) reject(new AppError('model-error', died));
      else resolve(outcome);
    });
  });
}
