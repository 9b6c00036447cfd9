import { type ChildProcess, fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { setPriority } from 'node:os';
import { delimiter } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { GpuEnv } from '#functions/gpu/config.ts';
import { LOWER_PRIORITY } from '#functions/gpu/lower-priority.ts';
import { defined } from '#shared/core/defined.ts';
import { AppError } from '#shared/core/errors.ts';
import type { C2paFiles } from './local-marking.ts';

/** Pauses between restarts of a function that keeps ending. */
const FIRST_RESTART_MS = 200;
const LAST_RESTART_MS = 10_000;
/** A function that lived this long has not failed to start. */
const STABLE_MS = 30_000;

export interface GpuProcess {
  /** Port on loopback; undefined while there is no process that listens. */
  port(): number | undefined;
  /** Resolves once the process listens; it may still be loading its model. */
  listening(): Promise<number>;
  /** The process's id, while there is one. */
  pid(): number | undefined;
  /**
   * Serves the packages of these folders from now on, also after a restart.
   *
   * @throws AppError `model-error` when the process refuses them
   */
  serve(modelFolders: readonly string[]): Promise<void>;
  /** Ends the process, giving a running job this long. */
  stop(drainMs: number): Promise<void>;
}

export interface GpuProcessOptions {
  readonly modelFolders: readonly string[];
  /** The root of the file store that images are written to. */
  readonly filesFolder: string;
  readonly device: 'cpu' | 'cuda';
  /** What looks at images before they are stored; see the function's own configuration. */
  readonly imageCheck?: string | undefined;
  /** Whether pixels are marked, and the PEM files that files are signed with. */
  readonly watermark: boolean;
  readonly c2pa: C2paFiles;
  readonly timeStampUrl?: string | undefined;
  /** The environment that is passed on beside the function's own settings. */
  readonly env: NodeJS.ProcessEnv;
  /** One line of the function's log. */
  readonly onLog: (line: string) => void;
  readonly onExit: (how: string) => void;
}

/**
 * The GPU function as a child process on loopback, restarted whenever it ends on its own. It ends with
 * this process, however that ends: the channel between them breaks.
 */
export function startGpuProcess(options: GpuProcessOptions): GpuProcess {
  let child: ChildProcess | undefined;
  let port: number | undefined;
  let stopping = false;
  let restartMs = FIRST_RESTART_MS;
  let waiting: ((port: number) => void)[] = [];
  let { modelFolders } = options;

  const launch = (): void => {
    if (stopping) return;
    const startedAt = Date.now();
    const process = forkFunction({ ...options, modelFolders });
    child = process;
    process.stdout?.setEncoding('utf8').on('data', (text: string) => {
      for (const line of text.split('\n')) if (line !== '') options.onLog(line);
    });
    process.on('message', (message: { type?: string; port?: number }) => {
      if (message.type !== 'listening' || message.port === undefined) return;
      port = message.port;
      for (const tell of waiting) tell(port);
      waiting = [];
    });
    process.on('error', (error) => options.onExit(error.message));
    process.on('exit', (code, signal) => {
      if (child === process) child = undefined;
      port = undefined;
      if (stopping) return;
      options.onExit(signal ?? `exit code ${code}`);
      if (Date.now() - startedAt > STABLE_MS) restartMs = FIRST_RESTART_MS;
      setTimeout(launch, restartMs).unref();
      restartMs = Math.min(restartMs * 2, LAST_RESTART_MS);
    });
  };
  launch();

  return {
    port: () => port,
    pid: () => child?.pid,
    listening: () =>
      port !== undefined
        ? Promise.resolve(port)
        : new Promise((resolve) => {
            waiting.push(resolve);
          }),
    async serve(next) {
      modelFolders = next;
      // One that is not there yet starts with them.
      if (child !== undefined) await tellFolders(child, next);
    },
    async stop(drainMs) {
      stopping = true;
      const last = child;
      if (last === undefined) return;
      const exited = new Promise<void>((resolve) => {
        last.once('exit', () => resolve());
      });
      last.kill('SIGTERM');
      const timer = setTimeout(() => last.kill('SIGKILL'), drainMs);
      await exited;
      clearTimeout(timer);
    },
  };
}

/** Resolves when the process serves them, or has ended. */
function tellFolders(child: ChildProcess, folders: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (fault?: string): void => {
      child.off('message', listen);
      child.off('exit', exited);
      if (fault === undefined) resolve();
      else reject(new AppError('model-error', fault));
    };
    const exited = (): void => end();
    const listen = ({ type, fault }: { type?: string; fault?: string }): void => {
      if (type === 'serving') end(fault);
    };
    child.on('message', listen);
    child.once('exit', exited);
    // A process that is gone says so by its exit.
    child.send({ type: 'serve', folders }, () => undefined);
  });
}

function forkFunction(options: GpuProcessOptions) {
  const { modelFolders, filesFolder, device, imageCheck, watermark, c2pa, env } = options;
  const { timeStampUrl } = options;
  const settings: GpuEnv = {
    MODEL_FOLDERS: modelFolders.join(delimiter),
    DATA_FOLDER: filesFolder,
    HOST: '127.0.0.1',
    PORT: '0',
    DEVICE: device,
    DRAIN_SECONDS: '5',
    WATERMARK: watermark ? '1' : '0',
    C2PA_KEY_FILE: c2pa.key,
    C2PA_CHAIN_FILE: c2pa.chain,
    ...defined({ IMAGE_CHECK: imageCheck, C2PA_TIME_STAMP_URL: timeStampUrl }),
  };
  const loader = pathToFileURL(createRequire(import.meta.url).resolve('#typescript-loader')).href;
  const child = fork(fileURLToPath(new URL('../gpu/main.ts', import.meta.url)), [], {
    execArgv: ['--import', loader],
    env: { ...env, ...settings },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    // Ctrl-C in a terminal is for the server alone, which then ends this process in good order.
    detached: false,
  });
  // Making images may take every processor; answering requests comes first.
  if (child.pid !== undefined) {
    try {
      setPriority(child.pid, LOWER_PRIORITY);
    } catch {
      // A system that forbids it merely answers more slowly.
    }
  }
  return child;
}
