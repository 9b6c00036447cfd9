import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterEach, describe, expect, it } from 'vitest';
import { TIMEOUTS } from '#infra/timeouts.ts';
import { clientSettings } from '#shared/adapters/aws/aws-access.ts';
import { SECRET_LIMITS } from '#shared/adapters/aws/secrets-client.ts';

const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
const closing: (() => void)[] = [];

/** A service that does this with each request; returns its address and how often it was asked. */
async function startService(listener: RequestListener) {
  const asked = { times: 0 };
  const server = createServer((request, response) => {
    asked.times++;
    listener(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { endpoint: `http://127.0.0.1:${port}`, asked };
}

afterEach(() => {
  for (const close of closing.splice(0)) close();
});

describe('a call to AWS that gets no answer', () => {
  it('ends, after it was tried again', async () => {
    const { endpoint, asked } = await startService(() => {});
    const settings = clientSettings(
      { region: 'us-east-1', endpoint, credentials },
      { timeoutMs: 50, attempts: 3 },
    );
    const client = new S3Client({ ...settings, forcePathStyle: true });
    await expect(
      client.send(new GetObjectCommand({ Bucket: 'bucket', Key: 'key' })),
    ).rejects.toMatchObject({ name: 'TimeoutError' });
    expect(asked.times).toBe(3);
  });

  it('ends in the middle of its body too', async () => {
    const { endpoint } = await startService((_, response) => {
      response.writeHead(200, { 'content-length': '10' }).write('half');
    });
    const settings = clientSettings(
      { region: 'us-east-1', endpoint, credentials },
      { timeoutMs: 50 },
    );
    const client = new S3Client({ ...settings, forcePathStyle: true });
    const answer = await client.send(new GetObjectCommand({ Bucket: 'bucket', Key: 'key' }));
    await expect(answer.Body?.transformToByteArray()).rejects.toThrow(/timed out/);
  });

  it('leaves the edge function time to say so', () => {
    const { attempts, timeoutMs } = SECRET_LIMITS;
    expect(attempts * timeoutMs).toBeLessThan(TIMEOUTS.edge * 1_000);
  });
});
