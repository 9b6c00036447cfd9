import { RemovalPolicy } from 'aws-cdk-lib';
import type { DeploymentSettings } from '#shared/deployment/settings.ts';

/** What the stages differ in. Point-in-time recovery, encryption and alarms are the same in all. */
export interface StagePolicy {
  /** What happens to stateful resources when their stack is deleted. */
  readonly removal: RemovalPolicy;
  /** Whether data stores and stacks refuse to be deleted. */
  readonly protect: boolean;
}

export function stagePolicy(stage: DeploymentSettings['stage']): StagePolicy {
  const protect = stage === 'prod';
  // What a failed first deployment has made is removed by its rollback: left there under its fixed name,
  // it would stand in the way of the next.
  const removal = protect ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY;
  return { removal, protect };
}
