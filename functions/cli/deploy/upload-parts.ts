import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import {
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  NoSuchUpload,
  type Part,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { defined } from '#shared/core/defined.ts';

/** Parts under way at one time. */
const CONCURRENCY = 4;

export interface PartsUpload {
  readonly source: string;
  readonly sizeBytes: number;
  readonly partBytes: number;
  readonly bucket: string;
  readonly key: string;
  /** Of the whole file, hex: kept as the object's metadata. */
  readonly sha256: string;
  /** Called for each part in place, whether sent now or before. */
  readonly onPart: (bytes: number) => void;
}

/**
 * Uploads a file in parts, each with its SHA-256; continues an upload of the same key that was
 * interrupted. A part already uploaded is kept when its size and checksum match the file's.
 */
export async function uploadParts(s3: S3Client, upload: PartsUpload): Promise<void> {
  const uploadId = (await findUpload(s3, upload)) ?? (await beginUpload(s3, upload));
  const there = await listParts(s3, upload, uploadId);
  const count = Math.ceil(upload.sizeBytes / upload.partBytes);
  const completed: CompletedPart[] = new Array(count);
  const waiting = Array.from({ length: count }, (_, index) => index);
  const file = await open(upload.source);
  try {
    const work = async (): Promise<void> => {
      for (let index = waiting.shift(); index !== undefined; index = waiting.shift()) {
        completed[index] = await storePart(s3, upload, uploadId, file, index, there);
      }
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, work));
  } finally {
    await file.close();
  }
  await s3.send(
    new CompleteMultipartUploadCommand({
      Bucket: upload.bucket,
      Key: upload.key,
      UploadId: uploadId,
      MultipartUpload: { Parts: completed },
    }),
  );
}

async function storePart(
  s3: S3Client,
  upload: PartsUpload,
  uploadId: string,
  file: FileHandle,
  index: number,
  there: ReadonlyMap<number, Part>,
): Promise<CompletedPart> {
  const start = index * upload.partBytes;
  const length = Math.min(upload.partBytes, upload.sizeBytes - start);
  const body = Buffer.allocUnsafe(length);
  const { bytesRead } = await file.read(body, 0, length, start);
  if (bytesRead !== length) throw new Error(`${upload.source} became shorter while it was read.`);
  const checksum = createHash('sha256').update(body).digest('base64');
  const number = index + 1;
  const known = there.get(number);
  if (known?.Size === length && known.ChecksumSHA256 === checksum && known.ETag !== undefined) {
    upload.onPart(length);
    return { PartNumber: number, ETag: known.ETag, ChecksumSHA256: checksum };
  }
  const { ETag } = await s3.send(
    new UploadPartCommand({
      Bucket: upload.bucket,
      Key: upload.key,
      UploadId: uploadId,
      PartNumber: number,
      Body: body,
      ContentLength: length,
      ChecksumSHA256: checksum,
    }),
  );
  upload.onPart(length);
  return { PartNumber: number, ETag, ChecksumSHA256: checksum };
}

/** The latest unfinished upload of the key. The key has the package's digest in it, so it fits. */
async function findUpload(s3: S3Client, { bucket, key }: PartsUpload): Promise<string | undefined> {
  const { Uploads = [] } = await s3.send(
    new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: key }),
  );
  const mine = Uploads.filter((upload) => upload.Key === key);
  mine.sort((a, b) => (a.Initiated?.getTime() ?? 0) - (b.Initiated?.getTime() ?? 0));
  return mine.at(-1)?.UploadId;
}

async function beginUpload(s3: S3Client, upload: PartsUpload): Promise<string> {
  const { UploadId } = await s3.send(
    new CreateMultipartUploadCommand({
      Bucket: upload.bucket,
      Key: upload.key,
      Metadata: { sha256: upload.sha256 },
      ChecksumAlgorithm: 'SHA256',
    }),
  );
  if (UploadId === undefined) throw new Error('S3 began an upload without an id.');
  return UploadId;
}

async function listParts(
  s3: S3Client,
  { bucket, key }: PartsUpload,
  uploadId: string,
): Promise<Map<number, Part>> {
  const parts = new Map<number, Part>();
  const upload = { Bucket: bucket, Key: key, UploadId: uploadId };
  let marker: string | undefined;
  try {
    // The SDK's paginator never ends here: the last page has a marker, too.
    do {
      const page = await s3.send(
        new ListPartsCommand({ ...upload, ...defined({ PartNumberMarker: marker }) }),
      );
      for (const part of page.Parts ?? []) {
        if (part.PartNumber !== undefined) parts.set(part.PartNumber, part);
      }
      marker = page.IsTruncated === true ? page.NextPartNumberMarker : undefined;
    } while (marker !== undefined);
  } catch (error) {
    if (!(error instanceof NoSuchUpload)) throw error;
  }
  return parts;
}
