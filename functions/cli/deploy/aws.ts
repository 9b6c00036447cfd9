import { setTimeout as sleep } from 'node:timers/promises';
import {
  CloudFormationClient,
  DeleteStackCommand,
  DescribeStackResourcesCommand,
  DescribeStacksCommand,
  waitUntilStackDeleteComplete,
} from '@aws-sdk/client-cloudformation';
import {
  DescribeImagesCommand,
  ECRClient,
  GetAuthorizationTokenCommand,
  ImageNotFoundException,
} from '@aws-sdk/client-ecr';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { randomBytes } from '#functions/local/random-bytes.ts';
import { createDynamoClient } from '#shared/adapters/aws/aws-clients.ts';
import { parseMacKeys } from '#shared/adapters/aws/secret-keys.ts';
import { createDynamoStores } from '#shared/adapters/dynamo/dynamo-stores.ts';
import { createDynamoTable } from '#shared/adapters/dynamo/dynamo-table.ts';
import { systemClock } from '#shared/core/clock.ts';
import { AppError } from '#shared/core/errors.ts';
import type { AccountId } from '#shared/core/ids.ts';
import { macSecretName, OUTPUTS, stackName } from '#shared/deployment/names.ts';
import type { DeploymentSettings } from '#shared/deployment/settings.ts';
import { createKeyService } from '#shared/service/domain/keys.ts';
import { type Operator, openFirstAccount } from './first-account.ts';

/** The id of the account that the environment's credentials belong to. */
export async function callerAccount(region: string): Promise<string | undefined> {
  const { Account } = await new STSClient({ region }).send(new GetCallerIdentityCommand({}));
  return Account;
}

/** A stack's outputs by name; undefined when the stack does not exist. */
export async function stackOutputs(
  client: CloudFormationClient,
  name: string,
): Promise<Readonly<Record<string, string>> | undefined> {
  try {
    const { Stacks = [] } = await client.send(new DescribeStacksCommand({ StackName: name }));
    const outputs = Stacks[0]?.Outputs ?? [];
    return Object.fromEntries(outputs.map((one) => [one.OutputKey ?? '', one.OutputValue ?? '']));
  } catch (error) {
    if (error instanceof Error && /does not exist/.test(error.message)) return undefined;
    throw error;
  }
}

const ABANDON_SECONDS = 900;

/**
 * Deletes a stack whose deletion has failed, and keeps the functions that it failed for.
 * @returns what those are called
 * @throws AppError `unavailable` when it failed for anything else
 */
export async function abandonStack(
  client: CloudFormationClient,
  name: string,
): Promise<readonly string[]> {
  const { StackResources = [] } = await client.send(
    new DescribeStackResourcesCommand({ StackName: name }),
  );
  const kept = StackResources.filter(({ ResourceStatus }) => ResourceStatus === 'DELETE_FAILED');
  const other = kept.find(({ ResourceType }) => ResourceType !== 'AWS::Lambda::Function');
  if (other !== undefined) {
    throw new AppError(
      'unavailable',
      `${name}: ${other.PhysicalResourceId} could not be deleted: ${other.ResourceStatusReason}`,
    );
  }
  await client.send(
    new DeleteStackCommand({
      StackName: name,
      RetainResources: kept.flatMap(({ LogicalResourceId }) => LogicalResourceId ?? []),
    }),
  );
  await waitUntilStackDeleteComplete({ client, maxWaitTime: ABANDON_SECONDS }, { StackName: name });
  return kept.flatMap(({ PhysicalResourceId }) => PhysicalResourceId ?? []);
}

/** The outputs of one part of a deployment. */
export async function partOutputs(
  settings: DeploymentSettings,
  part: Parameters<typeof stackName>[1],
): Promise<Readonly<Record<string, string>>> {
  const name = stackName(settings.stage, part);
  const client = new CloudFormationClient({ region: settings.region });
  const outputs = await stackOutputs(client, name);
  if (outputs !== undefined) return outputs;
  throw new AppError('unavailable', `The stack ${name} is not there. Run "onestep deploy" first.`);
}

/** S3 of the deployment's region, or the stand-in that the environment names. */
export function createPushClient(region: string, env: NodeJS.ProcessEnv): S3Client {
  const endpoint = env['AWS_ENDPOINT_URL_S3'] ?? env['AWS_ENDPOINT_URL'];
  return new S3Client({
    region,
    maxAttempts: 6,
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
  });
}

/** What `docker login` wants for the account's registry. */
export async function registryLogin(region: string) {
  const { authorizationData = [] } = await new ECRClient({ region }).send(
    new GetAuthorizationTokenCommand({}),
  );
  const token = authorizationData[0]?.authorizationToken;
  if (token === undefined) throw new AppError('unavailable', 'ECR gave no log-in. Try again.');
  const [user = '', password = ''] = Buffer.from(token, 'base64').toString('utf8').split(':');
  return { user, password };
}

/** Turns the deployment off or on through its kill switch. */
export async function invokeKillSwitch(
  settings: DeploymentSettings,
  action: 'pause' | 'resume',
): Promise<void> {
  const outputs = await partOutputs(settings, 'operations');
  const answer = await new LambdaClient({ region: settings.region }).send(
    new InvokeCommand({
      FunctionName: outputs[OUTPUTS.killSwitch],
      Payload: Buffer.from(JSON.stringify({ action })),
    }),
  );
  if (answer.FunctionError === undefined) return;
  const said = Buffer.from(answer.Payload ?? []).toString('utf8');
  throw new AppError('unavailable', `The ${action} is not complete: ${said}. Run it again.`);
}

/** Opens the operator's account in the deployment's table; see {@link openFirstAccount}. */
export async function openOperator(
  settings: DeploymentSettings,
  account: AccountId,
): Promise<Operator> {
  const { region } = settings;
  const { [OUTPUTS.table]: tableName = '' } = await partOutputs(settings, 'data');
  const { SecretString = '' } = await new SecretsManagerClient({ region }).send(
    new GetSecretValueCommand({ SecretId: macSecretName(settings.stage) }),
  );
  const table = createDynamoTable({
    client: createDynamoClient({ region }),
    tableName,
    sleep: (ms) => sleep(ms),
    random: Math.random,
  });
  const { ledger, keys } = createDynamoStores({ table, clock: systemClock, randomBytes });
  const deps = { ledger, clock: systemClock, randomBytes };
  const macKeys = parseMacKeys(SecretString);
  return openFirstAccount({ ...deps, keys: createKeyService({ ...deps, keys, macKeys }) }, account);
}

/** Whether the repository has the image. */
export async function hasImage(
  region: string,
  repositoryUri: string,
  imageDigest: string,
): Promise<boolean> {
  const repositoryName = repositoryUri.split('/').slice(1).join('/');
  try {
    await new ECRClient({ region }).send(
      new DescribeImagesCommand({ repositoryName, imageIds: [{ imageDigest }] }),
    );
    return true;
  } catch (error) {
    if (error instanceof ImageNotFoundException) return false;
    throw error;
  }
}
