import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { AppError, type ErrorCode, STATUS } from '#shared/core/errors.ts';
import { createEmbeddedApp } from './embedded-app.ts';
import { readFirstKeys } from './first-start.ts';
import { openDataFolder, openLocalService } from './open-local-service.ts';
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
  return openFolder(config);
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
async function openFolder(config: ServeConfig): Promise<AdminClient> {
  const folder = openDataFolder({ ...config, demoCredit: 0 });
  try {
    const service = await openLocalService(folder, {
      onError: (error) => {
        throw error;
      },
    });
    const { edge } = createEmbeddedApp(service);
    const send: Send = (path, init) => edge.request(`http://localhost${path}`, init);
    return client(send, service.keys.adminKey, () => folder.stores.close());
  } catch (error) {
    folder.stores.close();
    throw error;
  }
}

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
