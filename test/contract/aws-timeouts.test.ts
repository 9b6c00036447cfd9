import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterEach, describe, expect, it } from 'vitest';
import { TIMEOUTS } from '#infra/constructs/timeouts.ts';
import { type CallLimits, clientSettings } from '#shared/adapters/aws/aws-access.ts';
import { SECRET_LIMITS } from '#shared/adapters/aws/secrets-client.ts';
import { type FakeService, startFakeService } from '#test/helpers/fake-service.ts';

let service: FakeService | undefined;
afterEach(() => service?.stop());

function getObject(url: string, limits: CallLimits) {
  const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
  const settings = clientSettings({ region: 'us-east-1', endpoint: url, credentials }, limits);
  const client = new S3Client({ ...settings, forcePathStyle: true });
  return client.send(new GetObjectCommand({ Bucket: 'bucket', Key: 'key' }));
}

describe('a call to AWS that gets no answer', () => {
  it('ends, after it was tried again', async () => {
    service = await startFakeService(() => {});
    const answer = getObject(service.url, { timeoutMs: 50, attempts: 3 });
    await expect(answer).rejects.toMatchObject({ name: 'TimeoutError' });
    expect(service.asked()).toBe(3);
  });

  it('ends in the middle of its body too', async () => {
    service = await startFakeService((_, response) => {
      response.writeHead(200, { 'content-length': '10' }).write('half');
    });
    const answer = await getObject(service.url, { timeoutMs: 50 });
    await expect(answer.Body?.transformToByteArray()).rejects.toThrow(/timed out/);
  });

  it('leaves the edge function time to say so', () => {
    const { attempts, timeoutMs } = SECRET_LIMITS;
    expect(attempts * timeoutMs).toBeLessThan(TIMEOUTS.edge * 1_000);
  });
});
