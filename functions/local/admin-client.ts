import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createFileBlobStore } from '#shared/adapters/files/file-blob-store.ts';
import { openSqliteStores } from '#shared/adapters/sqlite/sqlite-stores.ts';
import { systemClock } from '#shared/core/clock.ts';
import { AppError, type ErrorCode, STATUS } from '#shared/core/errors.ts';
import { hmacSha256 } from '#shared/core/hash.ts';
import type { InferenceQueue } from '#shared/service/ports/inference-queue.ts';
import { createServices } from '#shared/service/services.ts';
import { createEmbeddedApp } from './embedded-app.ts';
import { ensureFirstKeys, readFirstKeys } from './first-start.ts';
import { randomBytes } from './random-bytes.ts';
import { loadSecrets } from './secrets-file.ts';
import type { ServeConfig } from './serve-config.ts';
import { readServerFile } from './server-file.ts';

/** The service's own API, with the operator's key: on the running server, or without one. */
export interface AdminClient {
  /**
   * @param path as in `/v1/keys`
   * @throws AppError with the code and message that the API answers with
   */
  call<T>(method: string, path: string, json?: unknown): Promise<T>;
  close(): void;
}

type Send = (path: string, init: RequestInit) => Response | Promise<Response>;

/**
 * Reaches the service of a data folder: by its server where one runs, else by opening the folder.
 *
 * @throws AppError `file-not-found` when the folder has no data, `conflict` when a process has it
 *   that is no server
 */
export async function connectAdmin(config: ServeConfig): Promise<AdminClient> {
  const folder = resolve(config.data);
  if (!existsSync(join(folder, 'onestep.sqlite'))) {
    throw new AppError(
      'file-not-found',
      `${folder} holds no data yet. Run "onestep start" once, or name another folder with --data.`,
    );
  }
  const running = await findServer(folder);
  const keys = readFirstKeys(folder);
  if (running !== undefined && keys !== undefined) {
    return client(
      (path, init) => fetch(`${running}${path}`, init),
      keys.adminKey,
      () => undefined,
    );
  }
  return openFolder(config, folder);
}

async function findServer(folder: string): Promise<string | undefined> {
  const facts = readServerFile(folder);
  if (facts === undefined) return undefined;
  try {
    const answer = await fetch(`${facts.url}/healthz`, { signal: AbortSignal.timeout(2000) });
    return answer.ok ? facts.url : undefined;
  } catch {
    return undefined;
  }
}

/** The API over the folder's stores, with nothing that could run a job. */
async function openFolder(config: ServeConfig, folder: string): Promise<AdminClient> {
  const stores = openSqliteStores({ folder, clock: systemClock, randomBytes });
  try {
    const secrets = loadSecrets(folder);
    const blobs = createFileBlobStore({ root: join(folder, 'files') });
    const onError = (error: unknown): never => {
      throw error;
    };
    const services = createServices({
      config,
      clock: systemClock,
      randomBytes,
      secrets,
      hmac: hmacSha256,
      ...stores,
      blobs,
      queue: NO_QUEUE,
      models: [],
      prices: { version: 'none', models: {} },
      outputStore: () => ({ kind: 'file', prefix: 'none' }),
      onError,
      onChange: () => undefined,
    });
    const keys = await ensureFirstKeys({
      folder,
      ledger: stores.ledger,
      keyService: services.keyService,
      clock: systemClock,
      randomBytes,
      demoCredit: 0,
    });
    const { edge } = createEmbeddedApp({
      config,
      clock: systemClock,
      randomBytes,
      secrets,
      hmac: hmacSha256,
      ...stores,
      blobs,
      services,
      operatorAccount: keys.account,
      checkReady: () => Promise.resolve(),
      onWebhookDue: () => undefined,
      onError,
      extras: [],
    });
    const send: Send = (path, init) => edge.request(`http://localhost${path}`, init);
    return client(send, keys.adminKey, () => stores.close());
  } catch (error) {
    stores.close();
    throw error;
  }
}

const NO_QUEUE: InferenceQueue = {
  capacity: async () => 0,
  submit: () => Promise.reject(new AppError('unavailable', 'no server is running')),
  cancel: () => Promise.resolve(),
  progress: async () => ({ phase: 'queued', imagesDone: 0 }),
};

function client(send: Send, adminKey: string, close: () => void): AdminClient {
  return {
    close,
    async call<T>(method: string, path: string, json?: unknown): Promise<T> {
      const response = await send(path, {
        method,
        headers: {
          authorization: `Bearer ${adminKey}`,
          ...(json === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(json === undefined ? {} : { body: JSON.stringify(json) }),
      });
      const body: unknown = JSON.parse(await response.text());
      if (response.ok) return body as T;
      const { detail, error } = body as { detail: string; error: { code: string } };
      const code = error.code.replaceAll('_', '-');
      throw new AppError(Object.hasOwn(STATUS, code) ? (code as ErrorCode) : 'unavailable', detail);
    },
  };
}
