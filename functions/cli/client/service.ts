import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type CommandContext, option } from '#functions/cli/command.ts';
import { address, path } from '#functions/cli/option-types.ts';
import { readFirstKeys } from '#functions/local/first-start.ts';
import { CONFIG_FILE, loadServeConfig, type ServeConfig } from '#functions/local/serve-config.ts';
import { readServerFile } from '#functions/local/server-file.ts';
import { AppError } from '#shared/core/errors.ts';
import { createHttpClient, type HttpClient } from './http-client.ts';

/** Options of commands that use a service. */
export const SERVICE_OPTIONS = {
  url: option('URL', 'a service elsewhere; or ONESTEP_URL', address()),
  key: option('KEY', 'its API key; ONESTEP_KEY keeps it out of the list of processes'),
  data: option('DIR', "a local service's data folder; default: ./.onestep", path(), 'd'),
};

type Environment = Readonly<Record<string, string | undefined>>;
type ServiceContext = Pick<CommandContext<typeof SERVICE_OPTIONS>, 'options' | 'env'>;

const HEALTH_MS = 2000;

/**
 * The service that `--url`, `--data`, ONESTEP_URL or else the default data folder names. The key comes
 * from `--key` or ONESTEP_KEY; a local service also has its own admin key in its folder.
 *
 * @throws AppError that says how to name a service or its key
 */
export async function connectService({ options, env }: ServiceContext): Promise<HttpClient> {
  const folder = dataFolder(env, options.data);
  const url = namedUrl(options, env) ?? (await findServer(folder));
  if (url !== undefined) {
    return client(url, options.key ?? (env['ONESTEP_KEY'] || adminKey(folder, url)));
  }
  throw new AppError(
    'unavailable',
    `No server is running on ${folder}. Start one with "onestep start", or name a service with --url and ONESTEP_KEY.`,
  );
}

/**
 * Asks the service that {@link connectService} finds for what takes an admin key. One in ONESTEP_KEY that is
 * none, as a client's would be, gives way to a local service's own.
 *
 * @returns the service by the key that it takes, and its answer
 */
export async function askAsAdmin<T>(
  context: ServiceContext,
  ask: (service: HttpClient) => Promise<T>,
): Promise<readonly [HttpClient, T]> {
  const { options, env } = context;
  const service = await connectService(context);
  try {
    return [service, await ask(service)];
  } catch (error) {
    const isRefused = error instanceof AppError && error.code === 'permission-denied';
    const own = adminKey(dataFolder(env, options.data), service.url);
    if (!isRefused || options.key !== undefined || own === undefined) throw error;
    const admin = client(service.url, own);
    return [admin, await ask(admin)];
  }
}

/**
 * Works with the service that {@link connectService} finds, as its operator: a local service's own
 * admin key counts before ONESTEP_KEY, and its folder is opened where no server runs on it.
 *
 * @throws AppError `file-not-found` for a folder without data, `conflict` for one that another process
 *   has opened
 */
export async function withOperatorService<T>(
  { options, env, stderr }: ServiceContext & Pick<CommandContext, 'stderr'>,
  work: (service: HttpClient) => Promise<T>,
): Promise<T> {
  const config = localConfig(env, options.data);
  const folder = resolve(config.data);
  const url = namedUrl(options, env) ?? (await findServer(folder));
  if (url !== undefined) {
    return work(client(url, options.key ?? adminKey(folder, url) ?? env['ONESTEP_KEY']));
  }
  if (!existsSync(join(folder, 'onestep.sqlite'))) {
    throw new AppError(
      'file-not-found',
      `${folder} holds no data yet. Run "onestep start" once, name another folder with --data, or a service with --url.`,
    );
  }
  // The whole API and its database: a second of loading that a running server saves.
  const { openFolderApi } = await import('#functions/local/folder-api.ts');
  const api = await openFolderApi(config);
  if (api.warning !== undefined) stderr.write(`${api.warning}.\n`);
  try {
    return await work(createHttpClient('http://localhost', api.adminKey, api.send));
  } finally {
    api.close();
  }
}

/** A folder on the command line counts before a URL in the environment. */
function namedUrl({ url, data }: ServiceContext['options'], env: Environment): string | undefined {
  if (url !== undefined || data !== undefined) return url;
  const given = env['ONESTEP_URL'] || undefined;
  if (given === undefined) return undefined;
  const parsed = address().safeParse(given);
  if (parsed.success) return parsed.data;
  throw new AppError('invalid-request', `ONESTEP_URL: ${parsed.error.issues[0]?.message}.`);
}

/** The data folder's admin key, where the folder's own server is the one at the URL. */
function adminKey(folder: string, url: string): string | undefined {
  return readServerFile(folder)?.url === url ? readFirstKeys(folder)?.adminKey : undefined;
}

function client(url: string, key: string | undefined): HttpClient {
  if (key) return createHttpClient(url, key);
  throw new AppError(
    'unauthenticated',
    `${url} needs an API key: set ONESTEP_KEY, or give it with --key.`,
  );
}

function localConfig(env: Environment, data: string | undefined): ServeConfig {
  return loadServeConfig({ flags: { data }, env, file: CONFIG_FILE, fileRequired: false });
}

/** The data folder that `onestep start` would use here. */
export function dataFolder(env: Environment, data?: string): string {
  return resolve(dataPath(env, data));
}

/** That folder's path as it was given, for messages. */
export function dataPath(env: Environment, data?: string): string {
  return localConfig(env, data).data;
}

/** Where the server of a data folder listens, if there is one and it answers. */
export async function findServer(folder: string): Promise<string | undefined> {
  const facts = readServerFile(folder);
  if (facts === undefined) return undefined;
  try {
    const signal = AbortSignal.timeout(HEALTH_MS);
    return (await fetch(`${facts.url}/healthz`, { signal })).ok ? facts.url : undefined;
  } catch {
    return undefined;
  }
}
