import { AppError } from '#shared/core/errors.ts';

/** Runs work that Ctrl-C or a termination stops cleanly, through its signal. */
export async function withInterrupt<T>(
  name: string,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const stop = () => controller.abort(new AppError('canceled', `${name} was interrupted.`));
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    return await work(controller.signal);
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}
