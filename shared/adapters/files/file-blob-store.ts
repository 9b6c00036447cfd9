import { randomBytes } from 'node:crypto';
import {
  type FileHandle,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { assertBlobKey } from '#shared/core/blob-key.ts';
import { AppError } from '#shared/core/errors.ts';
import { MEDIA_TYPES } from '#shared/core/inference.ts';
import type { BlobStore } from '#shared/service/ports/blob-store.ts';

export interface FileBlobStoreDeps {
  /** The folder under which keys are paths; made when the first object comes. */
  readonly root: string;
  /** Mints URLs, where the files are served. */
  readonly signedUrl?: BlobStore['signedUrl'];
}

/** No key has this character: names with it are the store's own, and lists leave them out. */
const OWN = '~';
const TYPE_SUFFIX = `${OWN}type`;

const TYPES: Readonly<Record<string, string>> = { ...MEDIA_TYPES, json: 'application/json' };
const UNKNOWN_TYPE = 'application/octet-stream';
/** Marks, which have no ending, are JSON. */
const TYPE_WITHOUT_ENDING = 'application/json';

/**
 * Objects as plain files in a folder. A put appears whole or not at all, and is on the disk when it
 * resolves. A content type that the key's extension does not imply is kept in a file beside it.
 */
export function createFileBlobStore({ root, signedUrl }: FileBlobStoreDeps): BlobStore {
  const pathOf = (key: string): string => {
    assertBlobKey(key);
    return join(root, ...key.split('/'));
  };
  return {
    async put(key, bytes, contentType) {
      const path = pathOf(key);
      await mkdir(dirname(path), { recursive: true });
      const temporary = `${path}${OWN}${randomBytes(6).toString('hex')}`;
      try {
        await writeSynced(temporary, bytes);
        if (contentType === typeByEnding(key)) await rm(`${path}${TYPE_SUFFIX}`, { force: true });
        else await writeFile(`${path}${TYPE_SUFFIX}`, contentType);
        await rename(temporary, path);
      } catch (cause) {
        await rm(temporary, { force: true });
        throw writeError(path, cause);
      }
    },

    async get(key, range) {
      const path = pathOf(key);
      if (range === undefined) return orAbsent(readFile(path));
      const file = await orAbsent(open(path));
      if (file === undefined) return undefined;
      try {
        return await readRange(file, range.start, range.end);
      } finally {
        await file.close();
      }
    },

    async head(key) {
      const path = pathOf(key);
      const info = await orAbsent(stat(path));
      if (info === undefined || !info.isFile()) return undefined;
      const stored = await orAbsent(readFile(`${path}${TYPE_SUFFIX}`, 'utf8'));
      return {
        key,
        sizeBytes: info.size,
        contentType: stored ?? typeByEnding(key),
        modifiedAt: Math.round(info.mtimeMs),
      };
    },

    async delete(key) {
      const path = pathOf(key);
      await rm(path, { force: true });
      await rm(`${path}${TYPE_SUFFIX}`, { force: true });
    },

    async list(prefix) {
      const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
      if (folder !== '') assertBlobKey(folder.slice(0, -1));
      const entries = await orAbsent(
        readdir(join(root, folder), { recursive: true, withFileTypes: true }),
      );
      return (entries ?? [])
        .filter((entry) => entry.isFile() && !entry.name.includes(OWN))
        .map((entry) => join(entry.parentPath, entry.name).slice(join(root, sep).length))
        .map((path) => path.split(sep).join('/'))
        .filter((key) => key.startsWith(prefix));
    },

    async signedUrl(key, options) {
      assertBlobKey(key);
      if (signedUrl === undefined) {
        throw new AppError('unavailable', 'This store is not served, so it has no URLs.');
      }
      return signedUrl(key, options);
    },
  };
}

function typeByEnding(key: string): string {
  const name = key.slice(key.lastIndexOf('/') + 1);
  const dot = name.lastIndexOf('.');
  if (dot < 0) return TYPE_WITHOUT_ENDING;
  return TYPES[name.slice(dot + 1)] ?? UNKNOWN_TYPE;
}

async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(bytes);
    await file.datasync();
  } finally {
    await file.close();
  }
}

async function readRange(file: FileHandle, start: number, end: number): Promise<Uint8Array> {
  const buffer = Buffer.alloc(Math.max(end - start + 1, 0));
  const { bytesRead } = await file.read(buffer, 0, buffer.length, start);
  return buffer.subarray(0, bytesRead);
}

/** Undefined where there is no such file or folder. */
async function orAbsent<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

function writeError(path: string, cause: unknown): AppError {
  if ((cause as NodeJS.ErrnoException).code === 'ENOSPC') {
    return new AppError('disk-full', `The disk is full: ${path} cannot be written.`, { cause });
  }
  return new AppError('unavailable', `${path} cannot be written.`, { cause, retryable: true });
}
