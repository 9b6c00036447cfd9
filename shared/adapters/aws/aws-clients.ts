import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';

/** Where the services are, when it is not AWS itself, and as whom to call them. */
export interface AwsAccess {
  readonly region: string;
  readonly endpoint?: string;
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** A Lambda function must know of a dead connection long before its own time is up. */
const CONNECT_TIMEOUT_MS = 1_000;
const REQUEST_TIMEOUT_MS = 5_000;
const OBJECT_TIMEOUT_MS = 20_000;
const MAX_ATTEMPTS = 4;

function settings(access: AwsAccess, requestTimeout = REQUEST_TIMEOUT_MS) {
  return {
    ...access,
    maxAttempts: MAX_ATTEMPTS,
    requestHandler: { connectionTimeout: CONNECT_TIMEOUT_MS, requestTimeout },
  };
}

/** Values that are undefined are left out of items, as in JSON. */
export function createDynamoClient(access: AwsAccess): DynamoDBDocumentClient {
  return DynamoDBDocumentClient.from(new DynamoDBClient(settings(access)), {
    marshallOptions: { removeUndefinedValues: true },
  });
}

/** Checksums only where an operation demands them: a signed URL must not carry an empty body's. */
export function createS3Client(access: AwsAccess): S3Client {
  return new S3Client({
    ...settings(access, OBJECT_TIMEOUT_MS),
    forcePathStyle: access.endpoint !== undefined,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
}

export function createSqsClient(access: AwsAccess): SQSClient {
  return new SQSClient(settings(access));
}

export function createSecretsClient(access: AwsAccess): SecretsManagerClient {
  return new SecretsManagerClient(settings(access));
}

export function createSageMakerRuntimeClient(access: AwsAccess): SageMakerRuntimeClient {
  return new SageMakerRuntimeClient(settings(access));
}
