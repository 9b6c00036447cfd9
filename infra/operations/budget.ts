import { CfnBudget } from 'aws-cdk-lib/aws-budgets';
import { CfnAnomalyMonitor, CfnAnomalySubscription } from 'aws-cdk-lib/aws-ce';
import type { Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { PROJECT } from '#shared/deployment/names.ts';
import type { DeploymentSettings } from '#shared/deployment/settings.ts';

/**
 * What a deployment is made of, as Cost Explorer names it: without the tag, the budget counts what these
 * cost in the whole account, and nothing else that runs there.
 */
const SERVICES = [
  'Amazon SageMaker',
  'Amazon DynamoDB',
  'Amazon Simple Storage Service',
  'Amazon CloudFront',
  'AWS Lambda',
  'AWS WAF',
  'AmazonCloudWatch',
  'Amazon Simple Queue Service',
  'Amazon Simple Notification Service',
  'AWS Secrets Manager',
  'Amazon EC2 Container Registry (ECR)',
];

/** The cost in dollars from which an anomaly is reported. */
const ANOMALY_USD = 20;

/**
 * The month's budget, with notices at 50 % and 80 % of actual and at 100 % of forecast cost; at 100 % of
 * actual cost the kill switch acts. Billing lags by hours, so the switch also has an alarm on instance-hours.
 */
export function createBudget(
  scope: Construct,
  settings: DeploymentSettings,
  alarms: Topic,
  killSwitch: Topic,
): void {
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
      costFilters: settings.budgetByTag
        ? { TagKeyValue: [`user:project$${PROJECT}`] }
        : { Service: [...SERVICES] },
    },
    notificationsWithSubscribers: [
      notify('ACTUAL', 50, alarms),
      notify('ACTUAL', 80, alarms),
      notify('FORECASTED', 100, alarms),
      notify('ACTUAL', 100, killSwitch),
    ],
  });
  watchAnomalies(scope, settings, alarms);
}

/**
 * Reports unusual cost. By the project's tag where the account may have such
 * a monitor: a member of an organisation may not, and an account has one by service already.
 */
function watchAnomalies(scope: Construct, settings: DeploymentSettings, alarms: Topic): void {
  const { anomalyMonitor } = settings;
  if (anomalyMonitor === 'none') return;
  const name = `${PROJECT}-${settings.stage}`;
  const monitorArn =
    anomalyMonitor === 'tag'
      ? new CfnAnomalyMonitor(scope, 'AnomalyMonitor', {
          monitorName: name,
          monitorType: 'CUSTOM',
          monitorSpecification: JSON.stringify({ Tags: { Key: 'project', Values: [PROJECT] } }),
        }).attrMonitorArn
      : anomalyMonitor;
  new CfnAnomalySubscription(scope, 'AnomalySubscription', {
    subscriptionName: name,
    frequency: 'IMMEDIATE',
    monitorArnList: [monitorArn],
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
