import type { Construct } from 'constructs';
import type { DeploymentSettings } from '#shared/deployment/settings.ts';
import { ServiceFunction, type ServiceFunctionProps } from './service-function.ts';
import { TIMEOUTS } from './timeouts.ts';

/** A function with what all functions of a deployment have in common. */
export function createStackFunction(
  scope: Construct,
  id: string,
  settings: DeploymentSettings,
  props: Omit<ServiceFunctionProps, 'stage' | 'timeoutSeconds' | 'logRetentionDays'> & {
    readonly name: keyof typeof TIMEOUTS;
  },
): ServiceFunction {
  const { name, ...own } = props;
  return new ServiceFunction(scope, id, {
    ...own,
    stage: settings.stage,
    timeoutSeconds: TIMEOUTS[name],
    logRetentionDays: settings.logRetentionDays,
  });
}
