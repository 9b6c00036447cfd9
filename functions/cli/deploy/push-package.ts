import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { HeadObjectCommand, NotFound, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { AppError, FormatError } from '#shared/core/errors.ts';
import { modelPrefix } from '#shared/deployment/names.ts';
import { MANIFEST_FILE, type Manifest, readManifest } from '#shared/engine/package/manifest.ts';
import { packageDigest } from '#shared/engine/package/package-digest.ts';
import { uploadParts } from './upload-parts.ts';

/** Larger files go up in parts. S3 takes up to 10,000 of them, so 640 GB of this size. */
export const PART_BYTES = 64 * 1024 * 1024;

export interface PushPackageDeps {
  readonly s3: S3Client;
  /** Called after each file and part. */
  readonly onProgress: (progress: PushProgress) => void;
  /** @default {@link PART_BYTES} */
  readonly partBytes?: number;
}

export interface PushProgress {
  readonly file: string;
  readonly doneBytes: number;
  readonly totalBytes: number;
}

export interface PushResult {
  readonly name: string;
  readonly digest: string;
  readonly bucket: string;
  readonly uploadedFiles: number;
  readonly skippedFiles: number;
  readonly uploadedBytes: number;
}

/**
 * Uploads a model package to `models/<digest>/`. Files that are there already are skipped, parts that
 * are there are kept, S3 verifies a SHA-256 of everything that it takes, and the manifest goes last: a
 * package that has one is whole. After an interruption, another run continues where this one stopped.
 *
 * @throws FormatError when a file is not what the manifest says
 */
export async function pushPackage(
  deps: PushPackageDeps,
  folder: string,
  bucket: string,
): Promise<PushResult> {
  const manifest = readManifest(folder);
  if (packageDigest(manifest) !== manifest.digest) {
    throw new FormatError(
      join(folder, MANIFEST_FILE),
      'the digest is not that of the files listed; import the model again',
    );
  }
  const prefix = modelPrefix(manifest.digest);
  const counts = { uploadedFiles: 0, skippedFiles: 0, uploadedBytes: 0 };
  const totalBytes = Object.values(manifest.files).reduce((sum, file) => sum + file.bytes, 0);
  let doneBytes = 0;
  for (const [path, file] of Object.entries(manifest.files)) {
    const key = `${prefix}${path}`;
    const onBytes = (bytes: number) => {
      doneBytes += bytes;
      deps.onProgress({ file: path, doneBytes, totalBytes });
    };
    if (await isStored(deps.s3, bucket, key, file)) {
      counts.skippedFiles++;
      onBytes(file.bytes);
      continue;
    }
    await uploadFile(deps, join(folder, path), file, { bucket, key }, onBytes);
    counts.uploadedFiles++;
    counts.uploadedBytes += file.bytes;
  }
  const body = await readFile(join(folder, MANIFEST_FILE));
  const sha256 = createHash('sha256').update(body).digest('hex');
  await putObject(deps.s3, bucket, `${prefix}${MANIFEST_FILE}`, body, sha256);
  return { name: manifest.name, digest: manifest.digest, bucket, ...counts };
}

/** Whether a package is whole in the bucket. */
export async function isPushed(s3: S3Client, bucket: string, digest: string): Promise<boolean> {
  return (await head(s3, bucket, `${modelPrefix(digest)}${MANIFEST_FILE}`)) !== undefined;
}

type ManifestFile = Manifest['files'][string];

async function uploadFile(
  { s3, partBytes = PART_BYTES }: PushPackageDeps,
  source: string,
  { bytes: sizeBytes, sha256 }: ManifestFile,
  { bucket, key }: { readonly bucket: string; readonly key: string },
  onBytes: (bytes: number) => void,
): Promise<void> {
  await verifyLocal(source, { bytes: sizeBytes, sha256 });
  if (sizeBytes > partBytes) {
    await uploadParts(s3, { source, sizeBytes, partBytes, bucket, key, sha256, onPart: onBytes });
    return;
  }
  await putObject(s3, bucket, key, await readFile(source), sha256);
  onBytes(sizeBytes);
}

/** Reads the file once before a byte is sent, lest gigabytes of a wrong file go up. */
async function verifyLocal(source: string, file: ManifestFile): Promise<void> {
  const { size } = await stat(source).catch((cause: unknown) => {
    throw new AppError('file-not-found', `${source} is missing; import the model again.`, {
      cause,
    });
  });
  const hash = createHash('sha256');
  if (size === file.bytes) for await (const chunk of createReadStream(source)) hash.update(chunk);
  if (size !== file.bytes || hash.digest('hex') !== file.sha256) {
    throw new FormatError(source, 'differs from what the manifest says; import the model again');
  }
}

async function isStored(
  s3: S3Client,
  bucket: string,
  key: string,
  file: ManifestFile,
): Promise<boolean> {
  const stored = await head(s3, bucket, key);
  return stored?.ContentLength === file.bytes && stored.Metadata?.['sha256'] === file.sha256;
}

async function head(s3: S3Client, bucket: string, key: string) {
  try {
    return await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
  } catch (error) {
    if (error instanceof NotFound) return undefined;
    throw error;
  }
}

async function putObject(
  s3: S3Client,
  bucket: string,
  key: string,
  body: Uint8Array,
  sha256Hex: string,
): Promise<void> {
  await s3.send(
    new PutObjectCommand({
      Bucket: bucket,
      Key: key,
      Body: body,
      Metadata: { sha256: sha256Hex },
      ChecksumSHA256: Buffer.from(sha256Hex, 'hex').toString('base64'),
    }),
  );
}
