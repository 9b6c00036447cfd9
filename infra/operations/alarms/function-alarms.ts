import type { AlarmSpecs } from '#infra/constructs/alarm.ts';
import { FIVE_MINUTES } from '#infra/constructs/alarm.ts';
import type { KillSwitch } from '#infra/operations/kill-switch.ts';
import { regionalFunctions, type Watched } from '#infra/operations/watched.ts';

/** Errors and throttles of each function. */
export function functionAlarms(watched: Watched, killSwitch: KillSwitch): AlarmSpecs {
  const functions = { ...regionalFunctions(watched), KillSwitch: killSwitch.switcher };
  return Object.fromEntries(
    Object.entries(functions).flatMap(([name, { function: target }]) => [
      [
        `${name}Errors`,
        {
          says: `The ${name} function fails. Its log group says why.`,
          metric: target.metricErrors({ period: FIVE_MINUTES }),
          threshold: 3,
        },
      ],
      [
        `${name}Throttles`,
        {
          says: `The ${name} function is throttled: the account's or its own concurrency is used up.`,
          metric: target.metricThrottles({ period: FIVE_MINUTES }),
          threshold: 5,
        },
      ],
    ]),
  );
}
