import type { Role } from 'aws-cdk-lib/aws-iam';
import type { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { acknowledge } from '#infra/constructs/acknowledge.ts';
import { allow } from '#infra/constructs/allow.ts';
import { type BucketReference, objectArn } from '#infra/constructs/bucket-reference.ts';
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

/** Lets a role do these actions on the objects under these prefixes, and on no others. */
export function grantObjects(
  role: Role,
  bucket: BucketReference,
  actions: readonly string[],
  prefixes: readonly string[],
): void {
  const arns = prefixes.map((prefix) => objectArn(bucket, `${prefix}*`));
  allow(role, actions, arns);
  for (const [index, arn] of arns.entries()) {
    const flat = String(role.stack.resolve(arn)['Fn::Join'][1].map(flatten).join(''));
    acknowledge(
      role,
      `Objects under ${prefixes[index]} are named by job or digest at run time: prefix and actions (${actions.join(', ')}) are the narrowest grant.`,
      `AwsSolutions-IAM5[Resource::${flat}]`,
    );
  }
}

/**
 * Lets a role see which objects there are under the prefixes: without it S3 answers 403, and not 404,
 * for an object that is not there.
 */
export function grantListing(
  role: Role,
  bucket: BucketReference,
  prefixes: readonly string[],
): void {
  allow(role, ['s3:ListBucket'], [bucket.bucketArn], {
    StringLike: { 's3:prefix': prefixes.map((prefix) => `${prefix}*`) },
  });
}

/** A piece of a name as cdk-nag writes it: `<AWS::AccountId>` for a reference. */
function flatten(piece: string | { readonly Ref: string }): string {
  return typeof piece === 'string' ? piece : `<${piece.Ref}>`;
}
