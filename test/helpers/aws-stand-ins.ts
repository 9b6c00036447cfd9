import { randomUUID } from 'node:crypto';
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { inject } from 'vitest';
import type { AwsAccess } from '#shared/adapters/aws/aws-access.ts';
import { createDynamoClient, createS3Client } from '#shared/adapters/aws/aws-clients.ts';
import { createDynamoTable, type DynamoTable } from '#shared/adapters/dynamo/dynamo-table.ts';
import { TABLE_SCHEMA } from '#shared/adapters/dynamo/table-schema.ts';

/** How to call one of the stand-ins that the run has started. */
export function accessTo(service: 'dynamoDb' | 's3' | 'moto'): AwsAccess {
  const { region, accessKeyId, secretAccessKey, [service]: endpoint } = inject('standIns');
  return { region, endpoint, credentials: { accessKeyId, secretAccessKey } };
}

/** Creates an empty table as the deployment has it; returns its name. */
export async function createEmptyTable(): Promise<string> {
  const tableName = `onestep-${randomUUID()}`;
  const { partitionKey, sortKey, indexes } = TABLE_SCHEMA;
  const schema = (hash: string, range: string) => [
    { AttributeName: hash, KeyType: 'HASH' as const },
    { AttributeName: range, KeyType: 'RANGE' as const },
  ];
  const attributes = [
    ...[partitionKey, sortKey],
    ...indexes.flatMap((index) => [index.partitionKey, index.sortKey]),
  ];
  await new DynamoDBClient(accessTo('dynamoDb')).send(
    new CreateTableCommand({
      TableName: tableName,
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: schema(partitionKey, sortKey),
      AttributeDefinitions: attributes.map((name) => ({ AttributeName: name, AttributeType: 'S' })),
      GlobalSecondaryIndexes: indexes.map((index) => ({
        IndexName: index.name,
        KeySchema: schema(index.partitionKey, index.sortKey),
        Projection:
          index.include.length === 0
            ? { ProjectionType: 'KEYS_ONLY' }
            : { ProjectionType: 'INCLUDE', NonKeyAttributes: [...index.include] },
      })),
    }),
  );
  return tableName;
}

/** An empty table, through a client of its own or the one given. */
export async function createTestTable(
  client: DynamoDBDocumentClient = createDynamoClient(accessTo('dynamoDb')),
): Promise<DynamoTable> {
  return openTable(client, await createEmptyTable());
}

export function openTable(client: DynamoDBDocumentClient, tableName: string): DynamoTable {
  return createDynamoTable({
    client,
    tableName,
    random: Math.random,
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  });
}

/** Creates an empty bucket; returns its name. */
export async function createEmptyBucket(): Promise<string> {
  const bucket = `onestep-${randomUUID()}`;
  await createS3Client(accessTo('s3')).send(new CreateBucketCommand({ Bucket: bucket }));
  return bucket;
}
