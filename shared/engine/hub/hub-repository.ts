import { HubApiError, listFiles, modelInfo } from '@huggingface/hub';
import pRetry from 'p-retry';
import { defined } from '#shared/core/defined.ts';
import { AppError } from '#shared/core/errors.ts';
import { isRecord } from '#shared/engine/bytes/json.ts';
import { eitherSignal } from './either-signal.ts';
import { errorOfStatus, isNetworkFault } from './hub-errors.ts';
import type { HubReference } from './hub-reference.ts';

/** How the hub is reached. */
export interface HubAccess {
  /** Such as `https://huggingface.co`. */
  readonly hubUrl: string;
  readonly accessToken: string | undefined;
  readonly fetch: typeof fetch;
  /** The first wait before a failed request is repeated; it doubles each time. */
  readonly retryDelayMs: number;
  /** A connection that delivers nothing for this long counts as dropped. */
  readonly stallMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** A file of a repository, and how to check that it arrived intact. */
export interface HubFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** SHA-256 of large files; small ones have the SHA-1 of their git blob. */
  readonly checksum: { readonly kind: 'sha256' | 'git-sha1'; readonly hex: string };
}

export interface HubLicence {
  readonly name: string;
  readonly url?: string;
}

/** A repository at one commit. */
export interface HubRepository {
  readonly name: string;
  readonly commit: string;
  readonly files: readonly HubFile[];
  /** What the model card states, if it states anything. */
  readonly licence: HubLicence | undefined;
}

const FIELDS: ('sha' | 'cardData')[] = ['sha', 'cardData'];
const RETRIES = 3;
const HEX = /^[0-9a-f]+$/;
const SHA256_DIGITS = 64;
const SHA1_DIGITS = 40;

/**
 * Looks a repository up: its commit, its files, its licence.
 *
 * @throws AppError `file-not-found`, `permission-denied` (gated or private), `unavailable`
 */
export async function describeRepository(
  { repository: name, revision }: HubReference,
  access: HubAccess,
): Promise<HubRepository> {
  const { hubUrl, accessToken } = access;
  const credentials = defined({ accessToken });
  const info = await ask(name, access, (fetch) =>
    modelInfo({ name, revision, hubUrl, fetch, ...credentials, additionalFields: FIELDS }),
  );
  const commit: unknown = info.sha;
  if (typeof commit !== 'string' || !HEX.test(commit)) throw malformed(name, 'no commit');
  const files = await ask(name, access, async (fetch) => {
    const found: HubFile[] = [];
    const repo = { type: 'model' as const, name };
    const where = { repo, revision: commit, hubUrl, fetch, ...credentials };
    const entries = listFiles({ ...where, recursive: true });
    for await (const entry of entries) {
      if (entry.type === 'file') found.push(hubFile(name, entry));
    }
    return found;
  });
  return {
    name,
    commit,
    files,
    licence: licenceOf(info.cardData, { name, commit, hubUrl, files }),
  };
}

function hubFile(
  repository: string,
  entry: {
    readonly path: string;
    readonly size: number;
    readonly oid?: string;
    readonly lfs?: { readonly oid: string; readonly size: number };
  },
): HubFile {
  const { path, lfs } = entry;
  const sizeBytes = lfs?.size ?? entry.size;
  const hex = lfs?.oid ?? entry.oid ?? '';
  const digits = lfs === undefined ? SHA1_DIGITS : SHA256_DIGITS;
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0) throw malformed(repository, 'no size');
  if (hex.length !== digits || !HEX.test(hex)) throw malformed(repository, `no digest of ${path}`);
  return { path, sizeBytes, checksum: { kind: lfs === undefined ? 'git-sha1' : 'sha256', hex } };
}

/** Makes a request to the hub's API, retries where that can help, and names what went wrong. */
async function ask<T>(
  name: string,
  access: HubAccess,
  request: (fetch: HubAccess['fetch']) => Promise<T>,
): Promise<T> {
  return pRetry(
    async () => {
      const silence = new AbortController();
      const signal = eitherSignal(silence.signal, access.signal);
      const timer = setTimeout(
        () => silence.abort(unreachable(name, access.hubUrl)),
        access.stallMs,
      );
      try {
        return await request((url, init) => {
          timer.refresh();
          return access.fetch(url, { ...init, signal });
        });
      } catch (error) {
        if (error instanceof HubApiError) {
          throw errorOfStatus(error.statusCode, name, access.hubUrl, error);
        }
        throw isNetworkFault(error) ? unreachable(name, access.hubUrl, error) : error;
      } finally {
        clearTimeout(timer);
      }
    },
    {
      retries: RETRIES,
      minTimeout: access.retryDelayMs,
      randomize: true,
      shouldRetry: ({ error }) => error instanceof AppError && error.retryable,
      ...defined({ signal: access.signal }),
    },
  );
}

function unreachable(name: string, hubUrl: string, cause?: unknown): AppError {
  return new AppError('unavailable', `${name}: ${hubUrl} can't be reached.`, {
    cause,
    retryable: true,
  });
}

function malformed(repository: string, what: string): AppError {
  return new AppError('unavailable', `${repository}: the hub's answer has ${what}.`);
}

/** The licence of a model card: `license`, or for `other` its `license_name` and `license_link`. */
function licenceOf(
  card: unknown,
  repository: Omit<HubRepository, 'licence'> & { readonly hubUrl: string },
): HubLicence | undefined {
  const fields = isRecord(card) ? card : {};
  const text = (field: string) => {
    const value = fields[field];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const name = text('license_name') ?? text('license');
  if (name === undefined) return undefined;
  const file = repository.files.find(({ path }) => /^licen[sc]e(\.(md|txt))?$/i.test(path));
  const page =
    file && `${repository.hubUrl}/${repository.name}/blob/${repository.commit}/${file.path}`;
  const link = text('license_link');
  const url = link?.startsWith('https://') ? link : page;
  return { name, ...defined({ url }) };
}
