import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import pRetry from 'p-retry';
import { defined } from '#shared/core/defined.ts';
import { AppError } from '#shared/core/errors.ts';
import { eitherSignal } from './either-signal.ts';
import { errorOfStatus, isNetworkFault } from './hub-errors.ts';
import type { HubAccess, HubFile } from './hub-repository.ts';

export interface Download {
  readonly file: HubFile;
  /** For messages, such as `owner/name/unet/config.json`. */
  readonly label: string;
  readonly url: string;
  /** Where it goes; it is called `<target>.part` until it is complete and checked. */
  readonly target: string;
}

/** Bytes that arrived since the last call; negative if some were discarded. */
export type OnBytes = (bytes: number) => void;

const RETRIES = 6;
/** An attempt that delivered this much does not count against the retries. */
const PROGRESS_BYTES = 2 ** 20;

/** How much of a download exists already: all of it, or what an earlier run left behind. */
export async function bytesPresent({ file, target }: Download): Promise<number> {
  if ((await sizeOf(target)) === file.sizeBytes) return file.sizeBytes;
  const partial = await sizeOf(`${target}.part`);
  return partial !== undefined && partial <= file.sizeBytes ? partial : 0;
}

/**
 * Downloads one file by ranged requests: resumes where an earlier run or a dropped connection
 * stopped, checks size and digest, then gives the file its name.
 *
 * @throws AppError `unavailable` if the server does not respond, ignores ranges or announces wrong
 *   sizes; `permission-denied`; `file-not-found`; `disk-full`
 */
export async function downloadFile(
  download: Download,
  access: HubAccess,
  onBytes: OnBytes,
): Promise<void> {
  const { file, target } = download;
  if ((await sizeOf(target)) === file.sizeBytes) return;
  await mkdir(dirname(target), { recursive: true });
  const resumed = (await bytesPresent(download)) > 0;
  try {
    await downloadOnce(download, access, onBytes);
  } catch (error) {
    // What an earlier run left may be damaged, so the second try starts afresh.
    if (!(resumed && error instanceof DigestError)) throw error;
    await downloadOnce(download, access, onBytes);
  }
}

class DigestError extends AppError {}

async function downloadOnce(
  download: Download,
  access: HubAccess,
  onBytes: OnBytes,
): Promise<void> {
  const { file, label, target } = download;
  const part = `${target}.part`;
  const start = await bytesPresent(download);
  const hash = createDigest(file);
  const handle = await open(part, start > 0 ? 'r+' : 'w');
  try {
    if (start > 0) {
      await handle.truncate(start);
      for await (const chunk of createReadStream(part)) hash.update(chunk);
    }
    const state = { handle, hash, received: start };
    await fetchRest(download, access, state, onBytes);
    await handle.sync();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOSPC') throw cause;
    throw new AppError('disk-full', `${target}: the disk is full.`, { cause });
  } finally {
    await handle.close();
  }
  const digest = hash.digest('hex');
  if (digest !== file.checksum.hex) {
    await rm(part, { force: true });
    onBytes(-file.sizeBytes);
    throw new DigestError(
      'unavailable',
      `${label}: what arrived has the digest ${digest.slice(0, 12)}…, not ${file.checksum.hex.slice(0, 12)}…; run the command again.`,
    );
  }
  await rename(part, target);
}

interface State {
  readonly handle: FileHandle;
  readonly hash: Hash;
  received: number;
}

/** Requests what is missing until it has arrived; attempts that deliver nothing are counted. */
async function fetchRest(
  download: Download,
  access: HubAccess,
  state: State,
  onBytes: OnBytes,
): Promise<void> {
  let before = state.received;
  await pRetry(
    () => {
      before = state.received;
      return state.received < download.file.sizeBytes
        ? fetchRange(download, access, state, onBytes)
        : undefined;
    },
    {
      retries: RETRIES,
      minTimeout: access.retryDelayMs,
      randomize: true,
      shouldRetry: ({ error }) => error instanceof AppError && error.retryable,
      shouldConsumeRetry: () => state.received - before < PROGRESS_BYTES,
      ...defined({ signal: access.signal }),
    },
  );
}

/** One request for everything that is missing. Returns when the last byte is written. */
async function fetchRange(
  { file, label, url }: Download,
  access: HubAccess,
  state: State,
  onBytes: OnBytes,
): Promise<void> {
  const stall = new AbortController();
  const { accessToken } = access;
  const authorization = accessToken && `Bearer ${accessToken}`;
  const timer = setTimeout(() => stall.abort(dropped(label, 'stopped')), access.stallMs);
  try {
    const response = await access.fetch(url, {
      headers: {
        range: `bytes=${state.received}-${file.sizeBytes - 1}`,
        'accept-encoding': 'identity',
        ...defined({ authorization }),
      },
      signal: eitherSignal(stall.signal, access.signal),
    });
    checkAnswer(response, label, file, state.received, access.hubUrl);
    for await (const chunk of response.body ?? []) {
      timer.refresh();
      if (chunk.length > file.sizeBytes - state.received) {
        throw new AppError('unavailable', `${label}: the server sends more than it announced.`);
      }
      await writeAll(state.handle, chunk, state.received);
      state.hash.update(chunk);
      state.received += chunk.length;
      onBytes(chunk.length);
    }
  } catch (error) {
    throw isNetworkFault(error) ? dropped(label, 'was dropped', error) : error;
  } finally {
    clearTimeout(timer);
    // Closes the connection if the body was not read to its end.
    stall.abort();
  }
  if (state.received < file.sizeBytes) throw dropped(label, 'ended early');
}

function dropped(label: string, how: string, cause?: unknown): AppError {
  return new AppError('unavailable', `${label}: the connection ${how}; run the command again.`, {
    retryable: true,
    cause,
  });
}

/** Accepts only a 206 with exactly the requested range. */
function checkAnswer(
  response: Response,
  label: string,
  file: HubFile,
  start: number,
  hubUrl: string,
): void {
  if (response.status === 200) {
    throw new AppError('unavailable', `${label}: the server ignores ranges (200 in place of 206).`);
  }
  if (response.status !== 206) throw errorOfStatus(response.status, label, hubUrl);
  const range = response.headers.get('content-range');
  const expected = `bytes ${start}-${file.sizeBytes - 1}/${file.sizeBytes}`;
  if (range !== expected) {
    throw new AppError(
      'unavailable',
      `${label}: the server sends "${range}" in place of "${expected}".`,
    );
  }
  if (response.headers.has('content-encoding')) {
    throw new AppError('unavailable', `${label}: the server recodes the file on its way.`);
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

/** Git's digest of a small file covers a header with its size. */
function createDigest({ checksum, sizeBytes }: HubFile): Hash {
  return checksum.kind === 'sha256'
    ? createHash('sha256')
    : createHash('sha1').update(`blob ${sizeBytes}\0`);
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch {
    return undefined;
  }
}
