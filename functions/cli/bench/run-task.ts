import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { AppError } from '#shared/core/errors.ts';
import { CUDA_ENVIRONMENT } from '#shared/engine/pipeline/cuda.ts';
import { ALLOCATOR_ENVIRONMENT } from '#shared/engine/pipeline/sessions.ts';
import type { EngineMessage, EngineTask } from './engine-task.ts';
import { MemoryWatch } from './memory-watch.ts';

const CHILD = fileURLToPath(new URL('./engine-child.ts', import.meta.url));

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
 * @param onStart told the number of the process
 * @throws AppError `model-error` when the task fails or its process dies
 */
export function runTask(
  task: EngineTask,
  signal: AbortSignal,
  onPhase: (record: PhaseRecord) => void,
  onStart: (processId: number | undefined) => void = () => undefined,
): Promise<TaskRecord> {
  const child = fork(CHILD, [JSON.stringify(task)], {
    execArgv: ['--import', import.meta.resolve('tsx')],
    // As the server's engine is started.
    env: { ...ALLOCATOR_ENVIRONMENT, ...CUDA_ENVIRONMENT, ...process.env },
    // Results and progress go over the channel; stdout stays free for the one JSON document.
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  onStart(child.pid);
  return new Promise((resolve, reject) => {
    const kill = () => child.kill('SIGKILL');
    signal.addEventListener('abort', kill, { once: true });
    const recorder = new Recorder(child, onPhase);
    let outcome: TaskRecord | AppError | undefined;
    child.on('message', (message: EngineMessage) => {
      if (message.kind === 'done') {
        outcome = { phases: recorder.phases, result: message.result };
      } else if (message.kind === 'failed') outcome = new AppError('model-error', message.message);
      else recorder.take(message);
    });
    child.on('error', reject);
    child.on('exit', (code, killedBy) => {
      signal.removeEventListener('abort', kill);
      recorder.stop();
      const died = `The measured process ended early (${killedBy ?? `exit code ${code}`}).`;
      if (signal.aborted) reject(signal.reason);
      else if (outcome instanceof AppError) reject(outcome);
      else if (outcome === undefined) reject(new AppError('model-error', died));
      else resolve(outcome);
    });
  });
}

/** Turns the begin and end of phases into records. */
class Recorder {
  readonly phases: PhaseRecord[] = [];
  private readonly child: ChildProcess;
  private readonly watch: MemoryWatch;
  private readonly onPhase: (record: PhaseRecord) => void;
  private current = '';

  constructor(child: ChildProcess, onPhase: (record: PhaseRecord) => void) {
    this.child = child;
    this.watch = new MemoryWatch(child.pid ?? 0);
    this.onPhase = onPhase;
  }

  take(message: EngineMessage): void {
    if (message.kind === 'begin') {
      this.current = message.phase;
      this.watch.reset();
      this.child.send('go');
    } else if (message.kind === 'end') {
      const { rssBytes, anonymousBytes } = this.watch.peak();
      const record = {
        phase: this.current,
        seconds: message.seconds,
        peakRssBytes: rssBytes,
        peakAnonymousBytes: anonymousBytes,
      };
      this.phases.push(record);
      this.onPhase(record);
    }
  }

  stop(): void {
    this.watch.stop();
  }
}
