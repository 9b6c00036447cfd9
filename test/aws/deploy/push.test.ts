import { createHash, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isPushed, pushPackage } from '#functions/cli/deploy/push-package.ts';
import { accessTo } from '#test/helpers/aws-stand-ins.ts';
import { sampleManifest } from '#test/helpers/sample-manifest.ts';

/** S3's smallest part. */
const PART = 5 * 1024 * 1024;
const quiet = { onProgress: () => undefined, partBytes: PART };

let folder: string;
let s3: S3Client;
let bucket: string;
const weights = Buffer.alloc(2 * PART + 1234, 'weights of a network ');
const graph = Buffer.from('a graph');
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const manifest = sampleManifest({
  'unet.onnx': { sha256: sha256(graph), bytes: graph.length },
  'weights/unet.bin': { sha256: sha256(weights), bytes: weights.length },
});
const key = (path: string) => `models/${manifest.digest}/${path}`;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'onestep-push-'));
  const { mkdirSync } = await import('node:fs');
  mkdirSync(join(folder, 'weights'));
  writeFileSync(join(folder, 'unet.onnx'), graph);
  writeFileSync(join(folder, 'weights/unet.bin'), weights);
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest));
  s3 = new S3Client({ ...accessTo('s3'), forcePathStyle: true });
  bucket = `models-${randomUUID()}`;
  await s3.send(new CreateBucketCommand({ Bucket: bucket }));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function stored(path: string): Promise<Buffer> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key(path) }));
  return Buffer.from((await Body?.transformToByteArray()) ?? []);
}

/** A client that fails at its nth uploaded part, and counts those that went through. */
function breaking(afterParts: number) {
  const client = new S3Client({ ...accessTo('s3'), forcePathStyle: true, maxAttempts: 1 });
  const sent = { parts: 0 };
  client.middlewareStack.add(
    (next, context) => async (args) => {
      if (context['commandName'] === UploadPartCommand.name) {
        if (sent.parts >= afterParts) throw new Error('the line is dead');
        sent.parts++;
      }
      return next(args);
    },
    { step: 'initialize' },
  );
  return { client, sent };
}

describe('push', () => {
  it('stores every file as it is, and the manifest', async () => {
    expect(await isPushed(s3, bucket, manifest.digest)).toBe(false);
    const result = await pushPackage({ s3, ...quiet }, folder, bucket);
    expect(result).toMatchObject({ digest: manifest.digest, uploadedFiles: 2, skippedFiles: 0 });
    expect((await stored('weights/unet.bin')).equals(weights)).toBe(true);
    expect((await stored('unet.onnx')).equals(graph)).toBe(true);
    expect(JSON.parse((await stored('manifest.json')).toString())).toEqual(manifest);
    expect(await isPushed(s3, bucket, manifest.digest)).toBe(true);
  });

  it('sends nothing twice', async () => {
    await pushPackage({ s3, ...quiet }, folder, bucket);
    const again = await pushPackage({ s3, ...quiet }, folder, bucket);
    expect(again).toMatchObject({ uploadedFiles: 0, skippedFiles: 2, uploadedBytes: 0 });
  });

  it('goes on after an interruption, with the parts that were there; no manifest before the end', async () => {
    const first = breaking(2);
    await expect(pushPackage({ s3: first.client, ...quiet }, folder, bucket)).rejects.toThrow(
      'the line is dead',
    );
    expect(await isPushed(s3, bucket, manifest.digest)).toBe(false);

    const second = breaking(Number.POSITIVE_INFINITY);
    await pushPackage({ s3: second.client, ...quiet }, folder, bucket);
    expect(first.sent.parts + second.sent.parts).toBeLessThanOrEqual(4);
    expect(second.sent.parts).toBeLessThan(3);
    expect((await stored('weights/unet.bin')).equals(weights)).toBe(true);
    const { Uploads } = await s3.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
    expect(Uploads ?? []).toEqual([]);
  });

  it('refuses a file that is not what the manifest says, before a byte of it is sent', async () => {
    weights[PART] = (weights[PART] ?? 0) ^ 1;
    writeFileSync(join(folder, 'weights/unet.bin'), weights);
    weights[PART] = (weights[PART] ?? 0) ^ 1;
    await expect(pushPackage({ s3, ...quiet }, folder, bucket)).rejects.toThrow(/differs/);
    const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket: bucket }));
    expect(Contents?.map(({ Key }) => Key)).toEqual([key('unet.onnx')]);
  });
});
