import { RemovalPolicy } from 'aws-cdk-lib';
import type { DeploymentSettings } from '#shared/deployment/settings.ts';

/** What the stages differ in. Point-in-time recovery, encryption and alarms are the same in all. */
export interface StagePolicy {
  /** What happens to stateful resources when their stack is deleted. */
  readonly removal: RemovalPolicy;
  /** Whether data stores and stacks refuse to be deleted. */
  readonly protect: boolean;
}

const POLICIES: Readonly<Record<DeploymentSettings['stage'], StagePolicy>> = {
  dev: { removal: RemovalPolicy.DESTROY, protect: false },
  prod: { removal: RemovalPolicy.RETAIN, protect: true },
};

export function stagePolicy(stage: DeploymentSettings['stage']): StagePolicy {
  return POLICIES[stage];
}
