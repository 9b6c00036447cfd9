import { execFile } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  CreateTableCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  UpdateContinuousBackupsCommand,
} from '@aws-sdk/client-dynamodb';
import { KMSClient } from '@aws-sdk/client-kms';
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { beforeAll, expect, inject, it } from 'vitest';
import { deployedCards } from '#functions/api/payments/deployed-cards.ts';
import type { SellerDeps } from '#functions/api/payments/sell-by-card.ts';
import { createKmsSignature } from '#shared/adapters/aws/kms-signature.ts';
import { createSecretReader } from '#shared/adapters/aws/secret-reader.ts';
import { createSecretsClient } from '#shared/adapters/aws/secrets-client.ts';
import { deployedGateway } from '#shared/adapters/x402/deployed-x402.ts';
import { systemClock } from '#shared/core/clock.ts';
import type { DeployedX402 } from '#shared/core/x402-settings.ts';
import { parseSettings } from '#shared/deployment/settings.ts';
import { accessTo } from '#test/helpers/aws-stand-ins.ts';
import { COMMITTED_CONTEXT } from '#test/helpers/synthesise.ts';
import { blocksRunBy, type ClaimedBlock } from '#test/helpers/doc-claims.ts';
import { startRedriving } from '#test/stand-ins/redriving.ts';
import { cacheFolder, installOnce, installPython } from '#test/helpers/install-once.ts';

/** AWS's command line, of version 1, since PyPI has no other; version 2 has these calls and options, too. */
const AWS_CLI = 'awscli==1.45.11';

const run = promisify(execFile);
const sqs = new SQSClient(accessTo('moto'));
/** DynamoDB Local restores nothing. */
const dynamo = new DynamoDBClient(accessTo('moto'));
const readSecret = createSecretReader({
  client: createSecretsClient(accessTo('moto')),
  clock: systemClock,
});

let programs: string;
beforeAll(async () => {
  const folder = join(cacheFolder('onestep-stand-ins'), AWS_CLI.replaceAll('=', '-'));
  await installOnce(folder, (empty) => installPython(empty, [AWS_CLI]));
  programs = join(folder, 'bin');
}, 600_000);

/** Runs a block by AWS's command line, with the reader's own values; every JSON text that it prints. */
async function call(
  { code }: ClaimedBlock,
  values: Readonly<Record<string, string>>,
  endpoint = inject('standIns').moto,
): Promise<readonly Record<string, unknown>[]> {
  const filled = Object.entries(values).reduce(
    (text, [stand, own]) => text.replaceAll(stand, own),
    code,
  );
  expect(filled).not.toMatch(/<[a-zA-Z ]+>|…/);
  const { region, accessKeyId, secretAccessKey } = inject('standIns');
  // For SQS, version 1 looks at this option alone, not at the environment.
  const aws = `aws() { command aws --endpoint-url ${endpoint} "$@"; }`;
  const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', `${aws}\n${filled}`], {
    env: {
      ...process.env,
      PATH: `${programs}:${process.env['PATH']}`,
      AWS_DEFAULT_REGION: region,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
    },
  });
  return [...stdout.matchAll(/^\{$.*?^\}$/gms)].map(([text]) => JSON.parse(text));
}

async function createQueue(attributes: Readonly<Record<string, string>> = {}) {
  const { QueueUrl: url = '' } = await sqs.send(
    new CreateQueueCommand({ QueueName: randomUUID(), Attributes: attributes }),
  );
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['QueueArn'] }),
  );
  return { url, arn: Attributes?.['QueueArn'] ?? '' };
}

async function messagesOf(QueueUrl: string): Promise<readonly (string | undefined)[]> {
  const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl }));
  return Messages.map(({ Body }) => Body);
}

const settingsWith = (own: Readonly<Record<string, unknown>>) =>
  parseSettings({ ...COMMITTED_CONTEXT, ...own });

/** What each block is for, by a word of it. */
const RUNS: Readonly<Record<string, (block: ClaimedBlock) => Promise<void>>> = {
  'sqs receive-message': async (block) => {
    const dead = await createQueue();
    const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: dead.arn, maxReceiveCount: 1 });
    const queue = await createQueue({ RedrivePolicy, VisibilityTimeout: '0' });
    // As Lambda's documentation says it leaves what a function failed at.
    const why = { DataType: 'String', StringValue: 'Task timed out after 60.00 seconds' };
    await sqs.send(
      new SendMessageCommand({
        QueueUrl: queue.url,
        MessageBody: '{"job": "1"}',
        MessageAttributes: { ErrorMessage: why },
      }),
    );
    expect(await messagesOf(queue.url)).toHaveLength(1);
    expect(await messagesOf(queue.url)).toHaveLength(0);

    const values = { '<dead letters>': dead.url, '<ARN of the dead letters>': dead.arn };
    const redriving = await startRedriving(sqs, inject('standIns').moto);
    const [received, moved] = await call(block, values, redriving.url);
    await redriving.stop();
    expect(received).toMatchObject({
      Messages: [{ Body: '{"job": "1"}', MessageAttributes: { ErrorMessage: why } }],
    });
    expect(moved).toHaveProperty('TaskHandle');
    expect(await messagesOf(dead.url)).toEqual([]);
    expect(await messagesOf(queue.url)).toEqual(['{"job": "1"}']);
  },

  'dynamodb restore-table-to-point-in-time': async (block) => {
    const TableName = `onestep-${randomUUID()}`;
    await dynamo.send(
      new CreateTableCommand({
        TableName,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
      }),
    );
    await dynamo.send(
      new UpdateContinuousBackupsCommand({
        TableName,
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      }),
    );
    await dynamo.send(new PutItemCommand({ TableName, Item: { pk: { S: 'job' } } }));
    await call(block, { '<table>': TableName, '<time>': new Date().toISOString() });
    const { Item } = await dynamo.send(
      new GetItemCommand({ TableName: `${TableName}-restored`, Key: { pk: { S: 'job' } } }),
    );
    expect(Item).toEqual({ pk: { S: 'job' } });
  },

  'onestep/stripe': async (block) => {
    const [secret] = await call(block, { 'rk_…': 'rk_test_1', 'whsec_…': 'whsec_1' });
    const arn = String(secret?.['ARN']);
    expect(settingsWith({ 'onestep:stripeSecretArn': arn }).stripeSecretArn).toBe(arn);
    const cards = await deployedCards(await readSecret(arn), { clock: systemClock } as SellerDeps);
    expect(cards).toHaveProperty('desk');
  },

  '--name x402': async (block) => {
    const [secret] = await call(block, {
      'https://…': 'https://node.example.com/key',
      '"…"': '"token"',
    });
    const arn = String(secret?.['ARN']);
    const { x402 } = settingsWith({
      'onestep:x402': {
        payTo: `0x${'a'.repeat(40)}`,
        network: 'eip155:8453',
        facilitatorUrl: 'https://facilitator.example.com',
        secretArn: arn,
      },
    });
    const { secretArn, ...told } = x402 ?? {};
    expect(secretArn).toBe(arn);
    const variables = { X402: told as Omit<DeployedX402, 'secretArn'> };
    expect(deployedGateway(variables, await readSecret(arn))).toMatchObject({
      facilitatorToken: 'token',
      settings: { rpcUrl: 'https://node.example.com/key' },
    });
  },

  'kms create-key': async (block) => {
    const [made] = await call(block, {});
    const { KeyMetadata } = made as { KeyMetadata: { Arn: string } };
    const kmsKey = KeyMetadata.Arn;
    const c2pa = { kmsKey, chain: 'functions/gpu/c2pa/chain.pem' };
    expect(settingsWith({ 'onestep:c2pa': c2pa }).c2pa).toEqual(c2pa);
    const sign = createKmsSignature(new KMSClient(accessTo('moto')), kmsKey);
    expect((await sign(randomBytes(32))).length).toBeGreaterThan(60);
  },
};

it.each(blocksRunBy(import.meta.filename))(
  '$document, line $line does what it is there for',
  async (block) => {
    const found = Object.entries(RUNS).filter(([words]) => block.code.includes(words));
    expect(found).toHaveLength(1);
    await found[0]?.[1](block);
  },
);

it('all of that is documented', () => {
  expect(blocksRunBy(import.meta.filename)).toHaveLength(Object.keys(RUNS).length);
});
