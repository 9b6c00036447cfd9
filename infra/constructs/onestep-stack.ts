import { Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { PROJECT, type StackPart, stackName } from '#shared/deployment/names.ts';
import type { DeploymentSettings } from '#shared/deployment/settings.ts';
import { stagePolicy } from './stage-policy.ts';

const DESCRIPTIONS: Readonly<Record<StackPart, string>> = {
  data: 'table, buckets, image repository, secrets and queues: everything that has a state',
  edge: 'edge function, firewall and certificate, in the one region that CloudFront takes them from',
  gpu: 'SageMaker asynchronous endpoints, their scaling and their notifications',
  api: 'API, dispatcher, completion and sweep functions, and the distribution in front of them',
  webhooks: 'delivery of webhooks',
  operations: 'dashboard, alarms, budget and kill switch',
};

/** A stack of this project: named by stage and part, tagged, protected in `prod`. */
export class OnestepStack extends Stack {
  readonly settings: DeploymentSettings;

  constructor(scope: Construct, part: StackPart, settings: DeploymentSettings) {
    super(scope, `Onestep${part.charAt(0).toUpperCase()}${part.slice(1)}`, {
      stackName: stackName(settings.stage, part),
      description: `Onestep (${settings.stage}): ${DESCRIPTIONS[part]}.`,
      env: { region: part === 'edge' ? 'us-east-1' : settings.region },
      terminationProtection: stagePolicy(settings.stage).protect,
      tags: deploymentTags(settings),
    });
    this.settings = settings;
  }
}

/** The tags of every resource; all four are meant as cost allocation tags. */
export function deploymentTags(settings: DeploymentSettings): Record<string, string> {
  return {
    project: PROJECT,
    stage: settings.stage,
    owner: settings.owner,
    'cost-center': settings.costCenter,
  };
}
