import { dayPolicies } from '#shared/deployment/cost.ts';
import { INSTANCE_PRICES } from '#shared/deployment/instance-prices.ts';
import {
  type Day,
  type DayPolicy,
  ordersOfDay,
  simulateDay,
} from '#shared/deployment/simulate-day.ts';

/** Numbers of pictures in a day that are simulated. */
const SIZES = [10, 100, 1_000, 10_000];
/** Days of each size: the figures are their means. */
const DAYS = 20;

/** A day of one size under one policy, on average. */
export interface SimulatedDay {
  readonly images: number;
  readonly policy: 'before' | 'now';
  readonly wakes: number;
  readonly usd: number;
  readonly meanWaitSeconds: number;
  readonly p95WaitSeconds: number;
}

/** Simulates days of several sizes as endpoints woke, worked and slept before, and as they do now. */
export function simulateDays(instance: string, secondsPerImage?: number): SimulatedDay[] {
  const usdPerHour = INSTANCE_PRICES[instance]?.usdPerHour ?? 0;
  const policies = Object.entries(dayPolicies(instance, secondsPerImage)) as [
    SimulatedDay['policy'],
    DayPolicy,
  ][];
  return SIZES.flatMap((images) => {
    const days = Array.from({ length: DAYS }, (_, day) => ordersOfDay(images, day + 1));
    return policies.map(([policy, settings]) => {
      const simulated = days.map((orders) => simulateDay(orders, settings));
      const mean = (value: (day: Day) => number) =>
        simulated.reduce((sum, day) => sum + value(day), 0) / DAYS;
      return {
        images,
        policy,
        wakes: mean(({ wakes }) => wakes),
        usd: mean(({ instanceHours }) => instanceHours) * usdPerHour,
        meanWaitSeconds: mean(({ meanWait }) => meanWait),
        p95WaitSeconds: mean(({ p95Wait }) => p95Wait),
      };
    });
  });
}

/** The days as a Markdown table, which docs/costs.md includes verbatim. */
export function dayReport(instance: string, days: readonly SimulatedDay[]): string {
  const head = ['images a day', '', 'wakes', 'GPU', 'mean wait', '95 % wait at most'];
  const rows = days.map((day) => [
    day.policy === 'before' ? String(day.images) : '',
    day.policy,
    day.wakes.toFixed(1),
    `$${day.usd.toFixed(2)}`,
    `${day.meanWaitSeconds.toFixed(1)} s`,
    `${day.p95WaitSeconds.toFixed(0)} s`,
  ]);
  return [
    `Days on one ${instance}, the mean of ${DAYS} simulated ones:`,
    '',
    ...[head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`),
    '',
  ].join('\n');
}
