import { afterEach, describe, expect, it } from 'vitest';
import { createS3Client } from '#shared/adapters/aws/aws-clients.ts';
import { createS3BlobStore } from '#shared/adapters/aws/s3-blob-store.ts';
import { describeBlobStore } from '#test/contract/blob-store.ts';
import { accessTo, createEmptyBucket } from '#test/helpers/aws-stand-ins.ts';

async function openStore(now: () => number = Date.now) {
  const client = createS3Client(accessTo('s3'));
  const bucket = await createEmptyBucket();
  const blobs = createS3BlobStore({ client, bucket, clock: { now } });
  return { blobs, bucket, close: () => client.destroy() };
}

describeBlobStore('S3', () => openStore());

describe('signed URLs of S3', () => {
  const KEY = 'outputs/01kb/0.png';
  let close = () => {};
  afterEach(() => close());

  async function signed(lifeMs: number, now: () => number = Date.now) {
    const store = await openStore(now);
    close = store.close;
    await store.blobs.put(KEY, new TextEncoder().encode('picture'), 'image/png');
    const options = {
      expiresAt: now() + lifeMs,
      filename: '01kb-0.png',
      contentType: 'image/png',
    };
    return { ...store, url: await store.blobs.signedUrl(KEY, options) };
  }

  it('serves the object under the name and type that were signed', async () => {
    const { url } = await signed(60_000);
    const answer = await fetch(url);
    expect(answer.status).toBe(200);
    expect(await answer.text()).toBe('picture');
    expect(answer.headers.get('content-type')).toBe('image/png');
    expect(answer.headers.get('content-disposition')).toBe('inline; filename="01kb-0.png"');
  });

  it('refuses a URL without its signature, and one whose parts were changed', async () => {
    const { url, bucket, blobs } = await signed(60_000);
    await blobs.put('outputs/other/0.png', new TextEncoder().encode('secret'), 'image/png');
    const changes: Record<string, string> = {
      bare: url.split('?')[0] ?? '',
      signature: url.replace(
        /(X-Amz-Signature=)(.)/,
        (_, name, c) => name + (c === 'a' ? 'b' : 'a'),
      ),
      'another object': url.replace(`${bucket}/${KEY}`, `${bucket}/outputs/other/0.png`),
      'another name': url.replace('01kb-0.png', 'evil.html'),
      'a longer life': url.replace(/X-Amz-Expires=\d+/, 'X-Amz-Expires=900'),
      'another signer': url.replace('X-Amz-Credential=standin', 'X-Amz-Credential=someone'),
    };
    for (const [what, changed] of Object.entries(changes)) {
      expect(changed, what).not.toBe(url);
      expect((await fetch(changed)).status, what).toBeGreaterThanOrEqual(400);
    }
  });

  it('ends when it says, and no later than after fifteen minutes', async () => {
    const long = await signed(86_400_000);
    expect(new URL(long.url).searchParams.get('X-Amz-Expires')).toBe('900');
    const minuteAgo = () => Date.now() - 60_000;
    expect((await fetch((await signed(50_000, minuteAgo)).url)).status).toBe(403);
    expect((await fetch((await signed(900_000, minuteAgo)).url)).status).toBe(200);
  });
});
