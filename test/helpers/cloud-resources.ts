import { randomUUID } from 'node:crypto';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import {
  CreateSecretCommand,
  PutSecretValueCommand,
  ResourceExistsException,
} from '@aws-sdk/client-secrets-manager';
import { CreateQueueCommand, GetQueueAttributesCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { createS3Client, createSqsClient } from '#shared/adapters/aws/aws-clients.ts';
import { createSecretsClient } from '#shared/adapters/aws/secrets-client.ts';
import type { Manifest } from '#shared/engine/package/manifest.ts';
import { createSns } from '#test/stand-ins/sns.ts';
import { accessTo, createEmptyBucket, createEmptyTable } from './aws-stand-ins.ts';

/** Everything that the stacks would have made, under names of its own. */
export interface CloudResources {
  readonly tableName: string;
  readonly outputBucket: string;
  readonly modelBucket: string;
  readonly macSecret: string;
  readonly receiptSecret: string;
  readonly dispatchQueue: string;
  readonly completionQueue: string;
  readonly webhookQueue: string;
  readonly successTopic: string;
  readonly errorTopic: string;
}

/**
 * Table, buckets, secrets, queues and topics in the stand-ins; the model's manifest is in its place.
 * @param macSecretName where it has to be the deployment's own. Default: one for this call
 */
export async function createCloudResources(
  manifest: Manifest,
  macSecretName?: string,
): Promise<CloudResources> {
  const id = randomUUID().slice(0, 8);
  const sqs = createSqsClient(accessTo('moto'));
  const moto = accessTo('moto').endpoint ?? '';
  const sns = createSns(moto);
  const [dispatchQueue, completionQueue, webhookQueue] = [
    await createQueue(sqs, `dispatch-${id}`),
    await createQueue(sqs, `completion-${id}`),
    await createQueue(sqs, `webhooks-${id}`),
  ];
  const successTopic = await sns.createTopic(`success-${id}`);
  const errorTopic = await sns.createTopic(`error-${id}`);
  // One raw and one in SNS's envelope: the reader takes either.
  await sns.subscribe(successTopic, completionQueue.arn, true);
  await sns.subscribe(errorTopic, completionQueue.arn, false);
  const modelBucket = await createEmptyBucket();
  await createS3Client(accessTo('s3')).send(
    new PutObjectCommand({
      Bucket: modelBucket,
      Key: `models/${manifest.digest}/manifest.json`,
      Body: JSON.stringify(manifest),
    }),
  );
  return {
    tableName: await createEmptyTable(),
    outputBucket: await createEmptyBucket(),
    modelBucket,
    macSecret: await createCloudSecret(macSecretName ?? `mac-${id}`),
    receiptSecret: await createCloudSecret(`receipt-${id}`),
    dispatchQueue: dispatchQueue.url,
    completionQueue: completionQueue.url,
    webhookQueue: webhookQueue.url,
    successTopic,
    errorTopic,
  };
}

async function createQueue(client: SQSClient, name: string) {
  const { QueueUrl: url = '' } = await client.send(new CreateQueueCommand({ QueueName: name }));
  const { Attributes } = await client.send(
    new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['QueueArn'] }),
  );
  return { url, arn: Attributes?.['QueueArn'] ?? '' };
}

/** One that is there gets a new text. @param text as the data stack makes secrets where it is not said: letters and digits */
export async function createCloudSecret(
  name: string,
  text = `${randomUUID()}${randomUUID()}`.replaceAll('-', '').slice(0, 48),
): Promise<string> {
  const client = createSecretsClient(accessTo('moto'));
  const secret = { SecretString: text };
  try {
    const answer = await client.send(new CreateSecretCommand({ Name: name, ...secret }));
    return answer.ARN ?? name;
  } catch (error) {
    if (!(error instanceof ResourceExistsException)) throw error;
    const answer = await client.send(new PutSecretValueCommand({ SecretId: name, ...secret }));
    return answer.ARN ?? name;
  }
}
