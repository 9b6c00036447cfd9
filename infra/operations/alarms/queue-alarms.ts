import { Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { AlarmSpecs } from '#infra/constructs/alarm.ts';
import { FIVE_MINUTES } from '#infra/constructs/alarm.ts';
import type { KillSwitch } from '#infra/operations/kill-switch.ts';
import type { Watched } from '#infra/operations/watched.ts';

/** Anything at all in a dead-letter queue. */
export function queueAlarms({ data, api }: Watched, killSwitch: KillSwitch): AlarmSpecs {
  const queues = {
    DispatchDeadLetters: data.dispatchQueue.deadLetters,
    CompletionDeadLetters: api.completionQueue.deadLetters,
    WebhookDeadLetters: data.webhookQueue.deadLetters,
    LostCompletedDeadLetters: api.lostCompleted,
    LostFailedDeadLetters: api.lostFailed,
    SweepDeadLetters: api.sweepFailures,
    KillSwitchDeadLetters: killSwitch.deadLetters,
  };
  return Object.fromEntries(
    Object.entries(queues).map(([id, queue]) => [
      id,
      {
        says: `Something failed for good and lies in ${id}. docs/operations.md, "Dead letters", says what to do.`,
        metric: queue.metricApproximateNumberOfMessagesVisible({
          period: FIVE_MINUTES,
          statistic: Stats.MAXIMUM,
        }),
        threshold: 1,
      },
    ]),
  );
}
