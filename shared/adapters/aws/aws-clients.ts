import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';
import { SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { type AwsAccess, clientSettings } from './aws-access.ts';
import { OUTAGES, outagesOf } from './aws-errors.ts';

const OBJECT_TIMEOUT_MS = 20_000;

/** Values that are undefined are left out of items, as in JSON. */
export function createDynamoClient(access: AwsAccess): DynamoDBDocumentClient {
  const client = new DynamoDBClient(clientSettings(access));
  client.middlewareStack.add(outagesOf('The database'), OUTAGES);
  return DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });
}

/** Checksums only where an operation demands them: a signed URL must not carry an empty body's. */
export function createS3Client(access: AwsAccess): S3Client {
  const client = new S3Client({
    ...clientSettings(access, { timeoutMs: OBJECT_TIMEOUT_MS }),
    forcePathStyle: access.endpoint !== undefined,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
  client.middlewareStack.add(outagesOf('The store of images'), OUTAGES);
  return client;
}

export function createSqsClient(access: AwsAccess): SQSClient {
  return new SQSClient(clientSettings(access));
}

export function createSageMakerRuntimeClient(access: AwsAccess): SageMakerRuntimeClient {
  return new SageMakerRuntimeClient(clientSettings(access));
}
