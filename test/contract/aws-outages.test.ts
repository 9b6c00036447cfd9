import { GetObjectCommand } from '@aws-sdk/client-s3';
import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { afterEach, describe, expect, it } from 'vitest';
import { createDynamoClient, createS3Client } from '#shared/adapters/aws/aws-clients.ts';
import { type FakeService, startFakeService } from '#test/helpers/fake-service.ts';

const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
let service: FakeService | undefined;
afterEach(() => service?.stop());

async function dynamoThatSays(status: number, type: string) {
  service = await startFakeService((_, response) => {
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' });
    response.end(JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${type}` }));
  });
  return createDynamoClient({ region: 'us-east-1', endpoint: service.url, credentials });
}

const key = { TableName: 'table', Key: { pk: 'a', sk: 'b' } };
const UNAVAILABLE = { name: 'AppError', code: 'unavailable', status: 503, retryable: true };

describe('a service that is down or turns callers away', () => {
  it.each([
    [400, 'ThrottlingException'],
    [500, 'InternalServerError'],
  ])('is "unavailable" after the SDK has tried in vain: %d %s', async (status, type) => {
    const client = await dynamoThatSays(status, type);
    await expect(client.send(new GetCommand(key))).rejects.toMatchObject({
      ...UNAVAILABLE,
      cause: { name: type },
    });
  });

  it('is "unavailable" when nobody listens', async () => {
    const client = createDynamoClient({
      region: 'us-east-1',
      endpoint: 'http://127.0.0.1:9',
      credentials,
    });
    await expect(client.send(new GetCommand(key))).rejects.toMatchObject(UNAVAILABLE);
  });

  it('is told of the store of images too', async () => {
    service = await startFakeService((_, response) => response.writeHead(503).end());
    const client = createS3Client({ region: 'us-east-1', endpoint: service.url, credentials });
    const get = client.send(new GetObjectCommand({ Bucket: 'bucket', Key: 'key' }));
    await expect(get).rejects.toMatchObject({ ...UNAVAILABLE, message: /images/ });
  });

  it.each([
    [400, 'ConditionalCheckFailedException'],
    [400, 'ResourceNotFoundException'],
    [400, 'AccessDeniedException'],
  ])("leaves the SDK's own error for anything else: %d %s", async (status, type) => {
    const client = await dynamoThatSays(status, type);
    const put = client.send(new PutCommand({ TableName: 'table', Item: key.Key }));
    await expect(put).rejects.toMatchObject({ name: type });
  });
});
