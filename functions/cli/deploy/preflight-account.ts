import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { CloudFrontClient, ListDistributionsCommand } from '@aws-sdk/client-cloudfront';
import { GetAccountSettingsCommand, LambdaClient } from '@aws-sdk/client-lambda';
import {
  GetServiceQuotaCommand,
  ListServiceQuotasCommand,
  ServiceQuotasClient,
} from '@aws-sdk/client-service-quotas';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { stackName } from '#shared/deployment/names.ts';
import type { DeploymentSettings } from '#shared/deployment/settings.ts';
import { stackOutputs } from './aws.ts';
import { isAboutCredentials } from './explain-aws-error.ts';
import type { PreflightDeps, Quota } from './preflight.ts';
import type { RunCommand } from './run-command.ts';

const DISTRIBUTIONS_QUOTA = 'L-24B04930';
const DEFAULT_DISTRIBUTIONS = 200;

/** What preflight asks, of the account that the environment's credentials belong to. */
export function createPreflightDeps(
  { region, stage }: Pick<DeploymentSettings, 'region' | 'stage'>,
  run: RunCommand,
  cwd: string,
): PreflightDeps {
  const succeeds = (program: string, ...words: string[]) =>
    run(program, words, { cwd, capture: true }).then(
      () => true,
      () => false,
    );
  return {
    accountId: async () => {
      try {
        const identity = await new STSClient({ region }).send(new GetCallerIdentityCommand({}));
        return identity.Account;
      } catch (error) {
        if (isAboutCredentials(error)) return undefined;
        throw error;
      }
    },
    isBootstrapped: async (where) =>
      (await stackOutputs(new CloudFormationClient({ region: where }), 'CDKToolkit')) !== undefined,
    sageMakerQuotas: listSageMakerQuotas,
    lambdaConcurrency: async (where) => {
      const settings = await new LambdaClient({ region: where }).send(
        new GetAccountSettingsCommand({}),
      );
      return settings.AccountLimit?.ConcurrentExecutions ?? 0;
    },
    distributions: async () => ({
      used: await countDistributions(),
      quota: await distributionQuota(),
    }),
    docker: async () => {
      if (!(await succeeds('docker', 'version', '--format', '{{.Server.Version}}')))
        return 'absent';
      return (await succeeds('docker', 'buildx', 'version')) ? 'ready' : 'without-buildx';
    },
    hasEndpoints: async () =>
      (await stackOutputs(new CloudFormationClient({ region }), stackName(stage, 'gpu'))) !==
      undefined,
  };
}

async function listSageMakerQuotas(region: string): Promise<ReadonlyMap<string, Quota>> {
  const client = new ServiceQuotasClient({ region });
  const quotas = new Map<string, Quota>();
  let token: string | undefined;
  do {
    const page = await client.send(
      new ListServiceQuotasCommand({
        ServiceCode: 'sagemaker',
        MaxResults: 100,
        ...(token === undefined ? {} : { NextToken: token }),
      }),
    );
    for (const { QuotaName, QuotaCode, Value } of page.Quotas ?? []) {
      if (QuotaName !== undefined)
        quotas.set(QuotaName, { code: QuotaCode ?? '', value: Value ?? 0 });
    }
    token = page.NextToken;
  } while (token !== undefined);
  return quotas;
}

async function countDistributions(): Promise<number> {
  const client = new CloudFrontClient({ region: 'us-east-1' });
  let count = 0;
  let marker: string | undefined;
  do {
    const { DistributionList } = await client.send(
      new ListDistributionsCommand(marker === undefined ? {} : { Marker: marker }),
    );
    count += DistributionList?.Quantity ?? 0;
    marker = DistributionList?.NextMarker;
  } while (marker !== undefined && marker !== '');
  return count;
}

async function distributionQuota(): Promise<number> {
  const answer = await new ServiceQuotasClient({ region: 'us-east-1' }).send(
    new GetServiceQuotaCommand({ ServiceCode: 'cloudfront', QuotaCode: DISTRIBUTIONS_QUOTA }),
  );
  return answer.Quota?.Value ?? DEFAULT_DISTRIBUTIONS;
}
