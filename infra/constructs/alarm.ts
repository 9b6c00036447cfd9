import { Duration } from 'aws-cdk-lib';
import {
  Alarm,
  ComparisonOperator,
  type IMetric,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';

/** The period that most alarms and graphs are read in. */
export const FIVE_MINUTES = Duration.minutes(5);

/** An alarm at or above a threshold. */
export interface AlarmSpec {
  /** What it means and what to look at first: the mail's text. */
  readonly says: string;
  readonly metric: IMetric;
  readonly threshold: number;
  /** @default 1 */
  readonly periods?: number;
}

/** Alarms by their construct's id. */
export type AlarmSpecs = Readonly<Record<string, AlarmSpec>>;

/** An alarm that tells the topic; without data there is no trouble. */
export function createAlarm(scope: Construct, id: string, spec: AlarmSpec, topic: Topic): Alarm {
  const alarm = new Alarm(scope, id, {
    alarmDescription: spec.says,
    metric: spec.metric,
    threshold: spec.threshold,
    evaluationPeriods: spec.periods ?? 1,
    comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    treatMissingData: TreatMissingData.NOT_BREACHING,
  });
  alarm.addAlarmAction(new SnsAction(topic));
  return alarm;
}
