import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Manifest } from '#shared/engine/package/manifest.ts';

const PROGRAM = new URL('./read-ahead-thread.mjs', import.meta.url);

/** Smaller packages load quickly in any case. */
const MIN_PACKAGE_BYTES = 2 ** 28;

/** Files being read into the page cache. */
export interface ReadAhead {
  /** How many bytes were read, when all were, one could not be, or it was stopped. */
  readonly finished: Promise<number>;
  stop(): void;
}

/** Reads files into the page cache, one after another, on a thread of its own. */
export function readAhead(paths: readonly string[]): ReadAhead {
  const worker = new Worker(PROGRAM, { workerData: paths, execArgv: [] });
  let bytes = 0;
  worker.on('message', (count: number) => {
    bytes += count;
  });
  // A fault is reported by the code that needs the file.
  worker.on('error', () => undefined);
  return {
    finished: new Promise((resolve) => worker.once('exit', () => resolve(bytes))),
    stop: () => void worker.terminate(),
  };
}

/**
 * Reads a package's files into the page cache while its graphs load and begin to run. They map their
 * weights, and a mapped file comes from the disk in small parts, on first touch.
 *
 * @param availableBytes memory that is free or can be freed
 * @returns undefined if it is not worth it, or the files would evict each other
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
