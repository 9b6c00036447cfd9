import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Manifest } from '#shared/engine/package/manifest.ts';

const PROGRAM = new URL('./read-ahead-thread.mjs', import.meta.url);

/** Smaller packages are read in a moment, however it is done. */
const MIN_PACKAGE_BYTES = 2 ** 28;

/** Files on their way into the page cache. */
export interface ReadAhead {
  /** How many bytes were read, once all are, one can't be, or it was stopped. */
  readonly finished: Promise<number>;
  stop(): void;
}

/** Reads files one after another, on a thread of its own, so that the page cache has them. */
export function readAhead(paths: readonly string[]): ReadAhead {
  const worker = new Worker(PROGRAM, { workerData: paths, execArgv: [] });
  let bytes = 0;
  worker.on('message', (count: number) => {
    bytes += count;
  });
  // Whoever needs the file will say what is wrong with it.
  worker.on('error', () => undefined);
  return {
    finished: new Promise((resolve) => worker.once('exit', () => resolve(bytes))),
    stop: () => void worker.terminate(),
  };
}

/**
 * Reads a package's files into the page cache while its graphs are loaded and begin to run. They map
 * their weights, and a mapped file comes from the disk in small parts, each when it is touched.
 *
 * @param availableBytes memory that is free or can be made so
 * @returns undefined where it is not worth it, or would push out its own beginning
 */
export function readPackageAhead(
  folder: string,
  { files }: Pick<Manifest, 'files'>,
  availableBytes: number = process.availableMemory(),
): ReadAhead | undefined {
  const total = Object.values(files).reduce((sum, { bytes }) => sum + bytes, 0);
  if (total < MIN_PACKAGE_BYTES || total > availableBytes) return undefined;
  return readAhead(Object.keys(files).map((path) => join(folder, path)));
}
