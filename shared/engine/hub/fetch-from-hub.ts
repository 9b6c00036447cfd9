import { join } from 'node:path';
import type { Clock } from '#shared/core/clock.ts';
import { assertRoom, type DiskNeed, type DiskOf } from '#shared/core/disk-room.ts';
import { type FolderLock, withFolderLock } from '#shared/core/folder-lock.ts';
import { isDescription } from './choose-files.ts';
import { bytesPresent, type Download, downloadFile } from './download-file.ts';
import { eitherSignal } from './either-signal.ts';
import type { HubReference } from './hub-reference.ts';
import {
  describeRepository,
  type HubAccess,
  type HubFile,
  type HubLicence,
  type HubRepository,
} from './hub-repository.ts';
import { createProgressMeter, type TransferProgress } from './progress-meter.ts';

/** A repository and which of its files are wanted. */
export interface HubRequest {
  readonly reference: HubReference;
  readonly choose: (repository: HubRepository) => readonly HubFile[];
}

export interface FetchOptions {
  /** Repositories are kept in it as `OWNER/NAME/COMMIT`. */
  readonly cacheFolder: string;
  readonly access: HubAccess;
  readonly clock: Clock;
  readonly processId: number;
  /** Called once before the download: what, under which licence, how much is missing. */
  readonly onPlan?: (repositories: readonly Fetched[], missingBytes: number) => void;
  readonly onProgress?: (progress: TransferProgress) => void;
  /**
   * Called once the small files that describe the models have arrived; says what else will be written
   * when the download is complete. Throws if a model is unusable.
   */
  readonly onDescribed?: (repositories: readonly Fetched[]) => readonly DiskNeed[];
  /** What is free on a folder's disk; the system's answer by default. */
  readonly diskOf?: DiskOf;
}

/** Files of a repository on this disk. */
export interface Fetched {
  readonly name: string;
  readonly commit: string;
  readonly folder: string;
  /** Paths in the folder. */
  readonly files: readonly string[];
  readonly licence: HubLicence | undefined;
}

interface Plan {
  readonly fetched: Fetched;
  readonly downloads: readonly Download[];
}

const CONCURRENT_FILES = 3;

/**
 * Brings files of repositories onto this disk, each checked by its digest. What exists already is
 * kept; what an earlier run began is resumed.
 *
 * @returns one answer per request, in their order
 * @throws AppError as {@link describeRepository} and {@link downloadFile} do; `disk-full` before the
 *   first large file if not everything would fit; `conflict` while another process downloads the same
 */
export async function fetchFromHub(
  requests: readonly HubRequest[],
  options: FetchOptions,
): Promise<Fetched[]> {
  const plans = await Promise.all(requests.map((request) => makePlan(request, options)));
  const downloads = uniqueDownloads(plans);
  const totalBytes = sum(downloads.map(({ file }) => file.sizeBytes));
  const missingBytes = await bytesMissing(downloads);
  const fetched = plans.map((plan) => plan.fetched);
  options.onPlan?.(fetched, missingBytes);
  const assertRoomFor = (bytes: number, others: readonly DiskNeed[]) =>
    assertRoom(
      [{ what: 'the download', folder: options.cacheFolder, bytes }, ...others],
      options.diskOf,
    );
  await assertRoomFor(missingBytes, []);
  const meter = createProgressMeter(totalBytes, totalBytes - missingBytes, options.clock);
  const onBytes = (bytes: number) => options.onProgress?.(meter(bytes));
  const folders = [...new Set(fetched.map(({ folder }) => folder))];
  const work = async () => {
    const descriptions = downloads.filter(({ file }) => isDescription(file));
    await downloadAll(descriptions, options.access, onBytes);
    await assertRoomFor(await bytesMissing(downloads), options.onDescribed?.(fetched) ?? []);
    await downloadAll(downloads, options.access, onBytes);
  };
  await folders.reduceRight<() => Promise<void>>(
    (inner, folder) => () => withFolderLock(downloadLock(folder, options.processId), inner),
    work,
  )();
  return fetched;
}

const downloadLock = (folder: string, processId: number): FolderLock => ({
  folder,
  name: '.download.lock',
  processId,
  busy: (other) => `${folder}: process ${other} is downloading here; wait for it or end it.`,
});

async function makePlan(request: HubRequest, options: FetchOptions): Promise<Plan> {
  const { access, cacheFolder } = options;
  const repository = await describeRepository(request.reference, access);
  const { name, commit, licence } = repository;
  const files = request.choose(repository);
  const folder = join(cacheFolder, ...name.split('/'), commit);
  const downloads = files.map((file): Download => {
    const path = file.path.split('/').map(encodeURIComponent).join('/');
    return {
      file,
      label: `${name}/${file.path}`,
      url: `${access.hubUrl}/${name}/resolve/${commit}/${path}`,
      target: join(folder, ...file.path.split('/')),
    };
  });
  const paths = files.map((file) => file.path);
  return { fetched: { name, commit, folder, files: paths, licence }, downloads };
}

function uniqueDownloads(plans: readonly Plan[]): Download[] {
  const all = plans.flatMap(({ downloads }) => downloads);
  return [...new Map(all.map((download) => [download.target, download])).values()];
}

async function bytesMissing(downloads: readonly Download[]): Promise<number> {
  const missing = downloads.map(async (one) => one.file.sizeBytes - (await bytesPresent(one)));
  return sum(await Promise.all(missing));
}

/** Downloads a few files at a time, the largest first. The first fault stops the others. */
async function downloadAll(
  downloads: readonly Download[],
  access: HubAccess,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const queue = downloads.toSorted((a, b) => b.file.sizeBytes - a.file.sizeBytes);
  const failed = new AbortController();
  const stoppable = { ...access, signal: eitherSignal(failed.signal, access.signal) };
  const worker = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      stoppable.signal.throwIfAborted();
      await downloadFile(next, stoppable, onBytes);
    }
  };
  const workers = Array.from({ length: CONCURRENT_FILES }, worker);
  try {
    await Promise.all(workers);
  } catch (error) {
    failed.abort(error);
    // Nothing may be written once this function has returned.
    await Promise.allSettled(workers);
    throw error;
  }
}

const sum = (values: readonly number[]): number =>
  values.reduce((total, value) => total + value, 0);
