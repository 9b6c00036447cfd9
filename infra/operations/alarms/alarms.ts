import { Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { Construct } from 'constructs';
import { type AlarmSpecs, createAlarm, FIVE_MINUTES } from '#infra/constructs/alarm.ts';
import type { KillSwitch } from '#infra/operations/kill-switch.ts';
import { logMetric } from '#infra/operations/log-metrics.ts';
import type { Watched } from '#infra/operations/watched.ts';
import { apiAlarms } from './api-alarms.ts';
import { endpointAlarms, instanceHoursAlarm } from './endpoint-alarms.ts';
import { functionAlarms } from './function-alarms.ts';
import { queueAlarms } from './queue-alarms.ts';

/**
 * Every alarm of the region, all to one topic; the one on instance-hours also throws the switch.
 * @param namespace of the metrics that are read off logs
 */
export function createAlarms(
  scope: Construct,
  watched: Watched,
  killSwitch: KillSwitch,
  namespace: string,
): void {
  const topic = watched.data.alarmTopic;
  const specs: AlarmSpecs = {
    ...endpointAlarms(watched),
    ...functionAlarms(watched, killSwitch),
    ...queueAlarms(watched, killSwitch),
    ...apiAlarms(watched),
    LedgerMismatch: {
      says: 'Balances and holds differ from grants less captures and expiries. Stop granting and read docs/operations.md, "The ledger disagrees".',
      metric: logMetric(namespace, 'ledgerMismatch', Stats.SUM, FIVE_MINUTES),
      threshold: 1,
    },
    JobsFailed: {
      says: 'Jobs fail. Look at their error codes in the log of the complete function.',
      metric: logMetric(namespace, 'jobsFailed', Stats.SUM, FIVE_MINUTES),
      threshold: 10,
    },
  };
  for (const [id, spec] of Object.entries(specs)) createAlarm(scope, id, spec, topic);
  if (watched.gpu.endpoints.length === 0) return;
  const tooLong = createAlarm(scope, 'InstanceHours', instanceHoursAlarm(watched), topic);
  tooLong.addAlarmAction(new SnsAction(killSwitch.topic));
}
