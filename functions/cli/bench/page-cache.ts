import { join } from 'node:path';
import { readManifest } from '#shared/engine/package/manifest.ts';
import { readAhead } from '#shared/engine/pipeline/read-ahead.ts';

/**
 * Reads every file of a package once, so that what is measured next finds them in the page cache and
 * does not wait for the disk.
 *
 * @throws the signal's reason once it is aborted
 */
export async function fillPageCache(folder: string, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const paths = Object.keys(readManifest(folder).files).map((path) => join(folder, path));
  const { finished, stop } = readAhead(paths);
  signal.addEventListener('abort', stop, { once: true });
  await finished;
  signal.removeEventListener('abort', stop);
  signal.throwIfAborted();
}
