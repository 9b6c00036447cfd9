import { join, resolve } from 'node:path';
import { createFileBlobStore } from '#shared/adapters/files/file-blob-store.ts';
import {
  createSignedFileUrls,
  type SignedFileUrls,
} from '#shared/adapters/files/signed-file-urls.ts';
import { openSqliteStores, type SqliteStores } from '#shared/adapters/sqlite/sqlite-stores.ts';
import { type Clock, systemClock } from '#shared/core/clock.ts';
import { AppError } from '#shared/core/errors.ts';
import type { RandomBytes } from '#shared/core/ids.ts';
import { outputPrefix } from '#shared/core/output-keys.ts';
import type { BlobStore } from '#shared/service/ports/blob-store.ts';
import type { InferenceQueue } from '#shared/service/ports/inference-queue.ts';
import { createServices, type ServiceDeps, type Services } from '#shared/service/services.ts';
import { type EnsuredKeys, ensureFirstKeys } from './first-start.ts';
import { defaultPrices } from './local-model.ts';
import { randomBytes } from './random-bytes.ts';
import { loadSecrets, type Secrets } from './secrets-file.ts';
import type { ServeConfig } from './serve-config.ts';

/** A data folder, locked by this process. */
export interface DataFolder {
  readonly config: ServeConfig;
  readonly path: string;
  /** Where the GPU function puts images. */
  readonly filesPath: string;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
  readonly secrets: Secrets;
  readonly stores: SqliteStores;
  readonly blobs: BlobStore;
  readonly urls: SignedFileUrls;
}

/**
 * Opens the folder of `config.data`, which is made when absent.
 *
 * @throws AppError `conflict` when another process has the folder, `invalid-file` when its secrets are
 *   damaged or a newer version wrote it
 */
export function openDataFolder(config: ServeConfig, clock = systemClock): DataFolder {
  const path = resolve(config.data);
  const filesPath = join(path, 'files');
  const { synchronous } = config;
  const stores = openSqliteStores({ folder: path, synchronous, clock, randomBytes });
  try {
    const secrets = loadSecrets(path);
    const urls = createSignedFileUrls(secrets.urlKey);
    const blobs = createFileBlobStore({ root: filesPath, signedUrl: urls.sign });
    return { config, path, filesPath, clock, randomBytes, secrets, stores, blobs, urls };
  } catch (error) {
    stores.close();
    throw error;
  }
}

/**
 * What a damaged log has cost, for the operator. The first process to open the database has to say it: the log begins
 * anew then, and the next one finds nothing.
 */
export function damagedLog({ lostCommits }: Pick<SqliteStores, 'lostCommits'>): Error | undefined {
  if (lostCommits === 0) return undefined;
  const what = lostCommits === 'all' ? 'all its changes' : `${lostCommits} changes at its end`;
  return new Error(
    `The database's log was damaged, and ${what} could not be read: what clients did last may be missing, ` +
      'money included. Stop the server and restore a backup if you have a newer one (docs/self-host.md)',
  );
}

/** What a process adds to the service of a folder; without any of it, no job can run. */
export type LocalParts = Pick<ServiceDeps, 'onError'> &
  Partial<
    Pick<
      ServiceDeps,
      'queue' | 'models' | 'aliases' | 'prices' | 'checkPrompt' | 'gateway' | 'onChange'
    >
  >;

/** The service of a data folder: its rules over its stores, and the operator's first keys. */
export interface LocalService extends DataFolder {
  readonly services: Services;
  readonly keys: EnsuredKeys;
  readonly onError: ServiceDeps['onError'];
}

/** The rules over a folder's stores; an account and its keys are made if there are none. */
export async function openLocalService(
  folder: DataFolder,
  { models = [], onError, ...parts }: LocalParts,
): Promise<LocalService> {
  const services = createServices({
    ...folder,
    ...folder.stores,
    queue: NO_QUEUE,
    models,
    prices: defaultPrices(models),
    outputStore: (job) => ({ kind: 'file', prefix: outputPrefix(job) }),
    onChange: () => undefined,
    ...parts,
    onError,
  });
  const keys = await ensureFirstKeys({
    folder: folder.path,
    ledger: folder.stores.ledger,
    keyService: services.keyService,
    clock: folder.clock,
    randomBytes: folder.randomBytes,
    demoCredit: folder.config.demoCredit,
  });
  return { ...folder, services, keys, onError };
}

/** Takes no jobs: they wait. */
const NO_QUEUE: InferenceQueue = {
  capacity: async () => 0,
  submit: () => Promise.reject(new AppError('unavailable', 'no server is running')),
  cancel: () => Promise.resolve(),
  progress: async () => ({ phase: 'queued', imagesDone: 0 }),
};
