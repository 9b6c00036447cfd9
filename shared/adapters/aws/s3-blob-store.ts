import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { assertBlobKey } from '#shared/core/blob-key.ts';
import type { Clock } from '#shared/core/clock.ts';
import { assert } from '#shared/core/errors.ts';
import type { BlobInfo, BlobStore, SignOptions } from '#shared/service/ports/blob-store.ts';

/** The bucket's policy refuses older signatures. */
export const LONGEST_URL_SECONDS = 900;

export interface S3BlobStoreDeps {
  readonly client: S3Client;
  readonly bucket: string;
  readonly clock: Clock;
}

/** Objects of one bucket. A put is whole or not at all, as S3 has it. */
export function createS3BlobStore({ client, bucket, clock }: S3BlobStoreDeps): BlobStore {
  const at = (key: string) => {
    assertBlobKey(key);
    return { Bucket: bucket, Key: key };
  };
  return {
    put: async (key, bytes, contentType) => {
      await client.send(
        new PutObjectCommand({ ...at(key), Body: bytes, ContentType: contentType }),
      );
    },
    get: async (key, range) => {
      const Range = range === undefined ? undefined : `bytes=${range.start}-${range.end}`;
      const answer = await orAbsent(client.send(new GetObjectCommand({ ...at(key), Range })));
      return answer?.Body?.transformToByteArray();
    },
    head: async (key): Promise<BlobInfo | undefined> => {
      const answer = await orAbsent(client.send(new HeadObjectCommand(at(key))));
      if (answer === undefined) return undefined;
      return {
        key,
        sizeBytes: answer.ContentLength ?? 0,
        contentType: answer.ContentType ?? 'application/octet-stream',
        modifiedAt: answer.LastModified?.getTime() ?? 0,
      };
    },
    delete: async (key) => {
      await orAbsent(client.send(new DeleteObjectCommand(at(key))));
    },
    list: (prefix) => list(client, bucket, prefix),
    signedUrl: (key, options) => signedUrl(client, at(key), options, clock.now()),
  };
}

async function list(client: S3Client, bucket: string, prefix: string): Promise<readonly string[]> {
  const keys: string[] = [];
  let token: string | undefined;
  do {
    const page = await client.send(
      new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ContinuationToken: token }),
    );
    for (const object of page.Contents ?? []) if (object.Key !== undefined) keys.push(object.Key);
    token = page.NextContinuationToken;
  } while (token !== undefined);
  return keys;
}

/**
 * A GET that authorises itself. It expires with the credentials that signed it, whatever it says, so
 * it is made on request and lives for minutes.
 */
async function signedUrl(
  client: S3Client,
  object: { readonly Bucket: string; readonly Key: string },
  options: SignOptions,
  now: number,
): Promise<string> {
  assert(/^[A-Za-z0-9._-]+$/.test(options.filename), 'a file name is safe inside a header');
  const seconds = Math.ceil((options.expiresAt - now) / 1000);
  const command = new GetObjectCommand({
    ...object,
    ResponseContentType: options.contentType,
    ResponseContentDisposition: `inline; filename="${options.filename}"`,
  });
  return getSignedUrl(client, command, {
    signingDate: new Date(now),
    expiresIn: Math.min(LONGEST_URL_SECONDS, Math.max(1, seconds)),
  });
}

/** Undefined for what is not there; other errors stay errors. */
async function orAbsent<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 404) {
      return undefined;
    }
    throw error;
  }
}
