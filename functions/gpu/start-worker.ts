import { AppError } from '#shared/core/errors.ts';
import { hasCudaDevice } from '#shared/engine/pipeline/cuda.ts';
import type { Device } from '#shared/engine/pipeline/sessions.ts';
import type { GpuConfig } from './config.ts';
import { createWorkerProcess, type WorkerProcess } from './worker-process.ts';

/** The inference process of the function, on its way up. */
export interface StartedWorker {
  readonly worker: WorkerProcess;
  readonly device: Device;
}

/**
 * Starts the inference process with the first model. It loads while the function itself does: whoever
 * visits right after a start waits for the longer of the two, not for both.
 *
 * @param env what the process gets as its environment
 * @throws AppError `unavailable` for a missing CUDA device, unless the CPU is allowed
 */
export function startWorker(
  config: GpuConfig,
  env: Readonly<Record<string, string | undefined>>,
): StartedWorker {
  const device = chooseDevice(config, hasCudaDevice());
  const threads = config.THREADS === 0 ? undefined : config.THREADS;
  const [folder = ''] = config.MODEL_FOLDERS;
  const worker = createWorkerProcess({ device, threads, folder }, env);
  // The function's warm-up waits for it as well, and hears of a failure.
  worker.ready().catch(() => undefined);
  return { worker, device };
}

/** The device to run on: CUDA is never replaced by the CPU without being allowed to. */
export function chooseDevice(
  config: Pick<GpuConfig, 'DEVICE' | 'ALLOW_CPU'>,
  hasCuda: boolean,
): Device {
  if (config.DEVICE === 'cpu' || hasCuda) return config.DEVICE;
  if (config.ALLOW_CPU) return 'cpu';
  throw new AppError(
    'unavailable',
    'There is no CUDA device here. Start with --allow-cpu to run on the CPU, many times slower.',
  );
}
