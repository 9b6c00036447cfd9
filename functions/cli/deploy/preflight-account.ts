import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { CloudFrontClient, paginateListDistributions } from '@aws-sdk/client-cloudfront';
import { GetAccountSettingsCommand, LambdaClient } from '@aws-sdk/client-lambda';
import {
  GetServiceQuotaCommand,
  paginateListServiceQuotas,
  ServiceQuotasClient,
} from '@aws-sdk/client-service-quotas';
import { OUTPUTS, stackName } from '#shared/deployment/names.ts';
import type { DeploymentSettings } from '#shared/deployment/settings.ts';
import { callerAccount, stackOutputs } from './aws.ts';
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
        return await callerAccount(region);
      } catch (error) {
        if (isAboutCredentials(error)) return undefined;
        throw error;
      }
    },
    isBootstrapped: async (where) =>
      (await stackOutputs(new CloudFormationClient({ region: where }), 'CDKToolkit')) !== undefined,
    sageMakerQuotas: (where) => listQuotas(where, 'sagemaker'),
    buildQuotas: (where) => listQuotas(where, 'codebuild'),
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
    hasEndpoints: async () => {
      const client = new CloudFormationClient({ region });
      const outputs = await stackOutputs(client, stackName(stage, 'gpu'));
      // A stack whose creation has failed stays until the next try, and has no outputs.
      return outputs?.[OUTPUTS.endpointNames] !== undefined;
    },
  };
}

async function listQuotas(region: string, service: string): Promise<ReadonlyMap<string, Quota>> {
  const client = new ServiceQuotasClient({ region });
  const quotas = new Map<string, Quota>();
  const pages = paginateListServiceQuotas({ client, pageSize: 100 }, { ServiceCode: service });
  for await (const { Quotas = [] } of pages) {
    for (const { QuotaName: name, QuotaCode: code = '', Value: value = 0 } of Quotas) {
      if (name !== undefined) quotas.set(name, { code, value });
    }
  }
  return quotas;
}

async function countDistributions(): Promise<number> {
  const client = new CloudFrontClient({ region: 'us-east-1' });
  let count = 0;
  for await (const { DistributionList } of paginateListDistributions({ client }, {})) {
    count += DistributionList?.Quantity ?? 0;
  }
  return count;
}

async function distributionQuota(): Promise<number> {
  const answer = await new ServiceQuotasClient({ region: 'us-east-1' }).send(
    new GetServiceQuotaCommand({ ServiceCode: 'cloudfront', QuotaCode: DISTRIBUTIONS_QUOTA }),
  );
  return answer.Quota?.Value ?? DEFAULT_DISTRIBUTIONS;
}
