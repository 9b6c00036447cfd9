import type { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { grantListing, grantObjects } from '#infra/constructs/grant-objects.ts';
import type { ServiceFunction } from '#infra/constructs/service-function.ts';
import { TABLE_SCHEMA } from '#shared/adapters/dynamo/table-schema.ts';
import type { DataStack } from './data-stack.ts';

/** Named actions on the one table; nothing here can scan it, describe it or change its settings. */
const READ_ACTIONS = ['dynamodb:GetItem', 'dynamodb:BatchGetItem', 'dynamodb:Query'];
const WRITE_ACTIONS = [
  'dynamodb:PutItem',
  'dynamodb:UpdateItem',
  'dynamodb:DeleteItem',
  'dynamodb:ConditionCheckItem',
];

/**
 * Reads every item and index; `Query` on an index is a grant of its own. Writes every item, or only those
 * whose partition key begins with one of the prefixes.
 */
export function grantTable(
  user: ServiceFunction,
  { table }: DataStack,
  writablePrefixes?: readonly string[],
): void {
  user.grant(READ_ACTIONS, [table.tableArn]);
  user.grant(
    ['dynamodb:Query'],
    TABLE_SCHEMA.indexes.map(({ name }) => `${table.tableArn}/index/${name}`),
  );
  const leadingKeys = writablePrefixes?.map((prefix) => `${prefix}*`);
  const conditions = leadingKeys && {
    'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': leadingKeys },
    // `ForAllValues` also holds for a request without keys.
    Null: { 'dynamodb:LeadingKeys': 'false' },
  };
  user.grant(WRITE_ACTIONS, [table.tableArn], conditions);
}

/** Wakes the dispatcher and the deliverer of webhooks, without reading from their queues. */
export function grantWaking(sender: ServiceFunction, data: DataStack): void {
  const queues = [data.dispatchQueue, data.webhookQueue].map(({ queue }) => queue.queueArn);
  sender.grant(['sqs:SendMessage'], queues);
}

/** Where a job's end can be read: images and receipt, SageMaker's answer and failure, its marks. */
const SETTLED_FROM = ['outputs/', 'out/', 'fail/', 'jobs/'];

/** To end a job from what it left behind, removing images that were not ordered any more. */
export function grantSettling(settler: ServiceFunction, { outputBucket }: DataStack): void {
  grantObjects(settler.role, outputBucket, ['s3:GetObject'], SETTLED_FROM);
  grantObjects(settler.role, outputBucket, ['s3:DeleteObject'], ['outputs/']);
  // The mark that a running job is to stop.
  grantObjects(settler.role, outputBucket, ['s3:PutObject'], ['jobs/']);
  grantListing(settler.role, outputBucket, SETTLED_FROM);
}

export function grantSecrets(reader: ServiceFunction, secrets: readonly Secret[]): void {
  reader.grant(
    ['secretsmanager:GetSecretValue'],
    secrets.map((secret) => secret.secretArn),
  );
}
