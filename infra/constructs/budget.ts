import { CfnBudget } from 'aws-cdk-lib/aws-budgets';
import { CfnAnomalyMonitor, CfnAnomalySubscription } from 'aws-cdk-lib/aws-ce';
import type { Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { PROJECT } from '#functions/cli/deploy/names.ts';
import type { DeploymentSettings } from '#functions/cli/deploy/settings.ts';

export interface BudgetProps {
  readonly settings: DeploymentSettings;
  readonly alarms: Topic;
  readonly killSwitch: Topic;
}

/** An anomaly has to cost this many dollars before anyone is told. */
const ANOMALY_USD = 20;

/**
 * The month's budget: told at 50 % and 80 % of actual and at 100 % of forecast cost; at 100 % of actual
 * cost the kill switch acts. Billing lags by hours, so the switch also has an alarm on instance-hours.
 */
export function createBudget(scope: Construct, props: BudgetProps): void {
  const { settings, alarms, killSwitch } = props;
  const notify = (type: 'ACTUAL' | 'FORECASTED', percent: number, topic: Topic) => ({
    notification: {
      notificationType: type,
      comparisonOperator: 'GREATER_THAN',
      threshold: percent,
      thresholdType: 'PERCENTAGE',
    },
    subscribers: [{ subscriptionType: 'SNS', address: topic.topicArn }],
  });
  new CfnBudget(scope, 'Budget', {
    budget: {
      budgetName: `${PROJECT}-${settings.stage}`,
      budgetType: 'COST',
      timeUnit: 'MONTHLY',
      budgetLimit: { amount: settings.monthlyBudgetUsd, unit: 'USD' },
      ...(settings.budgetByTag
        ? { costFilters: { TagKeyValue: [`user:project$${PROJECT}`] } }
        : {}),
    },
    notificationsWithSubscribers: [
      notify('ACTUAL', 50, alarms),
      notify('ACTUAL', 80, alarms),
      notify('FORECASTED', 100, alarms),
      notify('ACTUAL', 100, killSwitch),
    ],
  });
  // By tag: an account may have only one monitor by service, and new accounts are born with it.
  const monitor = new CfnAnomalyMonitor(scope, 'AnomalyMonitor', {
    monitorName: `${PROJECT}-${settings.stage}`,
    monitorType: 'CUSTOM',
    monitorSpecification: JSON.stringify({ Tags: { Key: 'project', Values: [PROJECT] } }),
  });
  new CfnAnomalySubscription(scope, 'AnomalySubscription', {
    subscriptionName: `${PROJECT}-${settings.stage}`,
    frequency: 'IMMEDIATE',
    monitorArnList: [monitor.attrMonitorArn],
    subscribers: [{ type: 'SNS', address: alarms.topicArn }],
    thresholdExpression: JSON.stringify({
      Dimensions: {
        Key: 'ANOMALY_TOTAL_IMPACT_ABSOLUTE',
        MatchOptions: ['GREATER_THAN_OR_EQUAL'],
        Values: [String(ANOMALY_USD)],
      },
    }),
  });
}
