import { resolve } from 'node:path';
import { text } from '#functions/cli/admin-command.ts';
import type { CommandContext, Option } from '#functions/cli/command.ts';
import { readFirstKeys } from '#functions/local/first-start.ts';
import { CONFIG_FILE, loadServeConfig } from '#functions/local/serve-config.ts';
import { readServerFile } from '#functions/local/server-file.ts';
import { AppError, type ErrorCode, STATUS } from '#shared/core/errors.ts';

/** Options of commands that ask a running service. */
export const SERVICE_OPTIONS = {
  data: {
    type: 'string',
    short: 'd',
    value: 'DIR',
    help: "the running server's data folder; default: ./.onestep",
  },
  url: { type: 'string', value: 'URL', help: 'a service elsewhere; or ONESTEP_URL' },
  key: { type: 'string', value: 'KEY', help: 'its API key; better ONESTEP_KEY, which nobody sees' },
} as const satisfies Record<string, Option>;

const HEALTH_MS = 2000;
const REQUEST_MS = 30_000;

/** A running service and a key of it. */
export interface Service {
  readonly url: string;
  /**
   * @param path as in `/v1/usage`
   * @throws AppError with the code and message that the API answers with, `unavailable` when it
   *   does not answer
   */
  get(path: string): Promise<Response>;
}

/**
 * The service that the command line, the environment (`ONESTEP_URL`, `ONESTEP_KEY`) or else the data
 * folder names.
 *
 * @throws AppError that says how to name one
 */
export async function connectService(context: CommandContext): Promise<Service> {
  const folder = dataFolder(context.env, text(context, 'data'));
  const named = text(context, 'url') ?? (context.env['ONESTEP_URL'] || undefined);
  const url = named?.replace(/\/+$/, '') ?? (await findServer(folder));
  if (url === undefined) {
    throw new AppError(
      'unavailable',
      `No server is running on ${folder}. Start one with "onestep start", or name a service with --url and ONESTEP_KEY.`,
    );
  }
  if (!/^https?:\/\//.test(url)) {
    throw new AppError('invalid-request', `--url ${url} is no address such as https://….`);
  }
  const own = named === undefined ? readFirstKeys(folder)?.adminKey : undefined;
  const key = text(context, 'key') ?? (context.env['ONESTEP_KEY'] || undefined) ?? own;
  if (key === undefined) {
    throw new AppError(
      'unauthenticated',
      `${url} needs an API key: set ONESTEP_KEY, or give it with --key.`,
    );
  }
  return { url, get: (path) => request(`${url}${path}`, key) };
}

/** The data folder that `onestep start` takes here: told, of the environment or of the settings. */
export function dataFolder(
  env: Readonly<Record<string, string | undefined>>,
  told?: string | undefined,
): string {
  const sources = { flags: { data: told }, env, file: CONFIG_FILE, fileRequired: false };
  return resolve(loadServeConfig(sources).data);
}

/** The server that runs on a data folder, if there is one and it answers. */
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

async function request(url: string, key: string): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, {
      headers: { authorization: `Bearer ${key}` },
      signal: AbortSignal.timeout(REQUEST_MS),
    });
  } catch (cause) {
    const { origin } = new URL(url);
    throw new AppError('unavailable', `${origin} does not answer. Is it running?`, { cause });
  }
  if (response.ok) return response;
  throw await errorOf(response);
}

async function errorOf(response: Response): Promise<AppError> {
  const body = await response.json().catch(() => undefined);
  const { detail, error } = (body ?? {}) as { detail?: string; error?: { code?: string } };
  const code = error?.code?.replaceAll('_', '-') ?? '';
  return new AppError(
    Object.hasOwn(STATUS, code) ? (code as ErrorCode) : 'unavailable',
    detail ?? `${new URL(response.url).origin} answered with ${response.status}.`,
  );
}
