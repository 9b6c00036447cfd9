import { defined } from '#shared/core/defined.ts';
import { createEmbeddedApp } from './embedded-app.ts';
import { damagedLog, openDataFolder, openLocalService } from './open-local-service.ts';
import type { ServeConfig } from './serve-config.ts';

/** The service's API over a data folder, within this process. */
export interface FolderApi {
  /** A key with every scope. */
  readonly adminKey: string;
  /** What the operator has to know of the folder. */
  readonly warning?: string;
  /** Answers a request as the server would; the URL's host does not matter. */
  send(url: string, init: RequestInit): Response | Promise<Response>;
  close(): void;
}

/**
 * Opens a data folder on which no server runs, with nothing that could run a job.
 *
 * @throws AppError `conflict` when another process has the folder open
 */
export async function openFolderApi(config: ServeConfig): Promise<FolderApi> {
  const folder = openDataFolder({ ...config, demoCredit: 0 });
  try {
    const service = await openLocalService(folder, {
      onError: (error) => {
        throw error;
      },
    });
    const { edge } = createEmbeddedApp({ ...service, config: withAddress(config) });
    return {
      adminKey: service.keys.adminKey,
      ...defined({ warning: damagedLog(folder.stores)?.message }),
      send: (url, init) => edge.request(url, init),
      close: () => folder.stores.close(),
    };
  } catch (error) {
    folder.stores.close();
    throw error;
  }
}

/** Links lead to where the server will be, not to the address that stands in for it here. */
function withAddress(config: ServeConfig): ServeConfig {
  if (config.port === 0) return config;
  const host = config.host.includes(':') ? `[${config.host}]` : config.host;
  return { ...config, publicUrl: config.publicUrl ?? `http://${host}:${config.port}` };
}
