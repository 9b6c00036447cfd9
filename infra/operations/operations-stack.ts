import { CfnOutput } from 'aws-cdk-lib';
import type { Code } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { OnestepStack } from '#infra/constructs/onestep-stack.ts';
import { createAlarms } from '#infra/operations/alarms/alarms.ts';
import { OUTPUTS, PROJECT } from '#shared/deployment/names.ts';
import type { DeploymentSettings } from '#shared/deployment/settings.ts';
import { createBudget } from './budget.ts';
import { createDashboard } from './dashboard.ts';
import { KillSwitch } from './kill-switch.ts';
import { createLogMetrics } from './log-metrics.ts';
import type { Watched } from './watched.ts';

/** Dashboard, alarms, budget and kill switch. */
export class OperationsStack extends OnestepStack {
  readonly killSwitch: KillSwitch;

  constructor(scope: Construct, settings: DeploymentSettings, watched: Watched, switchCode: Code) {
    super(scope, 'operations', settings);
    const { api, data, webhooks } = watched;
    const namespace = metricNamespace(settings);
    createLogMetrics(this, namespace, {
      api: api.api,
      complete: api.complete,
      dispatch: api.dispatch,
      sweep: api.sweep,
      webhooks: webhooks.webhooks,
    });
    this.killSwitch = new KillSwitch(this, 'KillSwitch', api, switchCode);
    createAlarms(this, watched, this.killSwitch, namespace);
    if (settings.dashboard) createDashboard(this, watched, namespace);
    createBudget(this, settings, data.alarmTopic, this.killSwitch.topic);
    new CfnOutput(this, OUTPUTS.killSwitch, {
      value: this.killSwitch.switcher.function.functionName,
    });
  }
}

/** Where the metrics that are read off logs go. */
export function metricNamespace(settings: DeploymentSettings): string {
  return `${PROJECT}/${settings.stage}`;
}
