import { AppError } from '#shared/core/errors.ts';
import { ORDER_FLOW } from '#shared/core/order-flow.ts';
import { INSTANCE_PRICES } from './instance-prices.ts';
import type { DayPolicy } from './simulate-day.ts';

/**
 * What a warm 1024² image takes, from the model's arithmetic and the GPU's data sheet. An estimate until
 * `onestep bench engine --device cuda` has run on the instance type: give its figure then.
 */
const TERAFLOP_PER_IMAGE = 17.34;
/** The share of the data sheet's rate that convolutions and attention reach together. */
const UTILISATION = 0.3;
/** Encoding a PNG and storing it, SageMaker's own writing included: beside the GPU's work on other orders. */
const SECONDS_BESIDE_GPU = 0.6;

/** Provisioning, download of the image and 7 GB of weights, loading, warm-up. */
const COLD_START_SECONDS = 6 * 60;
/** An instance that has nothing to do is taken away after what its wake took, by a sweep each minute. */
const IDLE_TAIL_SECONDS = COLD_START_SECONDS + 30;

/** How it was before endpoints were woken at admission and slept by the ledger: by alarms alone. */
const BEFORE = {
  /** The backlog's metric comes once a minute, and the alarm on it has to act. */
  noticedSeconds: 120,
  /** Fifteen quiet minutes of the scaling's own alarm. */
  idleTailSeconds: 15 * 60,
} as const;

const HOURS_PER_MONTH = 720;

/** Admission, claim, start, settlement and erasure of an order with an `Idempotency-Key`, as a test counts them. */
export const WRITE_UNITS_PER_IMAGE = 55;

/** List prices in us-east-1; check before quoting. Everything but the GPU, for a thousand images. */
const USD_PER_THOUSAND = {
  /** Three requests an image (create, two polls): CloudFront, Lambda@Edge, Lambda, firewall. */
  requests: (3 * (1.0 + 0.8 + 0.3 + 0.6)) / 1000,
  /**
   * And one write for each request's share of its key's rate, where requests are so few that none shares a
   * lease.
   */
  table: ((WRITE_UNITS_PER_IMAGE + 3) * 0.625) / 1000,
  /** Queues, notifications, logs: 20 KB of logs an image at $0.50 a gigabyte. */
  carrying: 0.01 + 0.02 * 0.5,
  /** A 1.5 MB PNG: put, kept a week, downloaded once. */
  storage: 0.005 + 1.5 * 0.023 * 0.25 + 1.5 * 0.09,
} as const;

/** Costs without any traffic, in dollars a month. */
const USD_AT_REST = {
  /** One access list and five rules. */
  firewall: 5 + 5,
  /** Two secrets at $0.40. */
  secrets: 0.8,
  /** Some 40 alarms at $0.10; 14 metrics at $0.30 only when they have data. */
  alarms: 4,
  dashboard: 3,
  /** Model packages for a GPU (7 GB each at $0.023) and the image (6 GB at $0.10). */
  storage: (models: number) => (models === 0 ? 0 : models * 7 * 0.023 + 6 * 0.1),
  /** The sweep: 43,200 runs of half a second at 512 MB. */
  sweep: 0.15,
} as const;

export interface CostInput extends AtRest {
  readonly images: number;
  readonly instance: string;
  /** Most instances at one time. */
  readonly maxInstances: number;
  /** Times that an instance is woken for these images; the rest of them arrive while it is warm. */
  readonly wakes: number;
  /** Measured seconds for an image of a backlog. @default the estimate */
  readonly secondsPerImage?: number;
}

/** Dollars, by what they are paid for. */
export interface Cost {
  readonly instance: string;
  readonly images: number;
  readonly usdPerHour: number;
  readonly secondsPerImage: number;
  /** Instances while they work, and while they start and wait to be taken away. */
  readonly busyUsd: number;
  readonly wakingUsd: number;
  readonly requestsUsd: number;
  readonly tableUsd: number;
  readonly carryingUsd: number;
  readonly storageUsd: number;
  readonly totalUsd: number;
  readonly perImageUsd: number;
  readonly atRestPerMonthUsd: number;
  /** All instances all month: what no bug, customer or attack can go beyond for the GPUs. */
  readonly ceilingPerMonthUsd: number;
}

/** @throws AppError `invalid-request` for an instance type that has no price here */
function priceOf(instance: string) {
  const price = Object.hasOwn(INSTANCE_PRICES, instance) ? INSTANCE_PRICES[instance] : undefined;
  if (price !== undefined) return price;
  throw new AppError(
    'invalid-request',
    `There is no price for ${instance}. Known: ${Object.keys(INSTANCE_PRICES).join(', ')}.`,
  );
}

/** The GPU's own part of an image, and what passes between two of a backlog: three are in flight. */
function secondsOf(instance: string): { readonly gpu: number; readonly perImage: number } {
  const gpu = TERAFLOP_PER_IMAGE / (priceOf(instance).fp16Tflops * UTILISATION);
  return { gpu, perImage: Math.max(gpu, (gpu + SECONDS_BESIDE_GPU) / ORDER_FLOW.inFlight) };
}

/**
 * How an instance deals with a day's orders: as it was before, and as it is.
 *
 * @param measured seconds for an image of a backlog, where they are known
 * @throws AppError `invalid-request` for an instance type that has no price here
 */
export function dayPolicies(
  instance: string,
  measured?: number,
): Record<'before' | 'now', DayPolicy> {
  const { gpu, perImage } = secondsOf(instance);
  const alone = (measured ?? gpu) + SECONDS_BESIDE_GPU;
  const wake = COLD_START_SECONDS;
  return {
    before: {
      noticedAfter: BEFORE.noticedSeconds,
      wake,
      idle: BEFORE.idleTailSeconds,
      perImage: alone,
      latency: alone,
    },
    now: {
      noticedAfter: 1,
      wake,
      idle: IDLE_TAIL_SECONDS,
      perImage: measured ?? perImage,
      latency: alone,
    },
  };
}

/** @throws AppError `invalid-request` for an instance type that has no price here */
export function estimateCost(input: CostInput): Cost {
  const { usdPerHour } = priceOf(input.instance);
  const secondsPerImage = input.secondsPerImage ?? secondsOf(input.instance).perImage;
  const thousands = input.images / 1000;
  const busyUsd = (input.images * secondsPerImage * usdPerHour) / 3600;
  const wakingUsd = (input.wakes * (COLD_START_SECONDS + IDLE_TAIL_SECONDS) * usdPerHour) / 3600;
  const requestsUsd = thousands * USD_PER_THOUSAND.requests;
  const tableUsd = thousands * USD_PER_THOUSAND.table;
  const carryingUsd = thousands * USD_PER_THOUSAND.carrying;
  const storageUsd = thousands * USD_PER_THOUSAND.storage;
  const totalUsd = busyUsd + wakingUsd + requestsUsd + tableUsd + carryingUsd + storageUsd;
  return {
    instance: input.instance,
    images: input.images,
    usdPerHour,
    secondsPerImage,
    busyUsd,
    wakingUsd,
    requestsUsd,
    tableUsd,
    carryingUsd,
    storageUsd,
    totalUsd,
    perImageUsd: input.images === 0 ? 0 : totalUsd / input.images,
    atRestPerMonthUsd: atRest(input),
    ceilingPerMonthUsd: ceilingPerMonth([input.instance], input.maxInstances),
  };
}

/** What a deployment consists of that costs something at rest. */
export interface AtRest {
  /** Models on a GPU. */
  readonly models: number;
  /** @default true */
  readonly firewall?: boolean;
  /** @default true */
  readonly dashboard?: boolean;
}

/** Dollars a month of a deployment that nobody uses. */
export function atRest({ models, firewall = true, dashboard = true }: AtRest): number {
  return (
    (firewall ? USD_AT_REST.firewall : 0) +
    (dashboard ? USD_AT_REST.dashboard : 0) +
    USD_AT_REST.secrets +
    USD_AT_REST.alarms +
    USD_AT_REST.storage(models) +
    USD_AT_REST.sweep
  );
}

/** Most instances × dollars an hour of the dearest type × 720 hours. */
export function ceilingPerMonth(instances: readonly string[], maxInstances: number): number {
  return dearestPerHour(instances) * maxInstances * HOURS_PER_MONTH;
}

/** Dollars an hour of the type that costs most. */
export function dearestPerHour(instances: readonly string[]): number {
  return Math.max(0, ...instances.map((type) => INSTANCE_PRICES[type]?.usdPerHour ?? 0));
}
