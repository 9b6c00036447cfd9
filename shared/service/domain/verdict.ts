import { defined } from '#shared/core/defined.ts';
import type { ErrorCode } from '#shared/core/errors.ts';
import type { BlockedImage, ImageRecord, Receipt } from '#shared/core/inference.ts';
import type { Job } from '#shared/core/job.ts';
import { type MicroUsd, multiplyUsd } from '#shared/core/money.ts';

/** Why a job's run is over. */
export type Ending =
  | { readonly kind: 'completed'; readonly receipt: Receipt }
  | { readonly kind: 'canceled'; readonly receipt?: Receipt | undefined }
  | {
      readonly kind: 'failed';
      readonly code: ErrorCode;
      readonly message: string;
      readonly receipt?: Receipt | undefined;
    };

/** How a job ends: state, cost and what the client sees. */
export interface Verdict {
  readonly status: 'succeeded' | 'failed' | 'canceled';
  readonly capture: MicroUsd;
  readonly images: readonly ImageRecord[];
  readonly receipt?: Receipt;
  readonly error?: { readonly code: ErrorCode; readonly message: string };
  readonly warnings: readonly string[];
}

/**
 * Decides a job from its ending and the images that were found delivered: those are captured at the
 * quoted price and the rest of the hold released. One image or more is a success with warnings,
 * unless the job was cancelled before it was whole.
 */
export function decide(job: Job, ending: Ending, delivered: readonly ImageRecord[]): Verdict {
  const ordered = job.input?.num_outputs ?? 0;
  const whole = delivered.length === ordered;
  const base = {
    capture: multiplyUsd(job.price.perImage, delivered.length),
    images: delivered,
    ...defined({ receipt: ending.receipt }),
  };
  const told = ending.receipt?.warnings ?? [];
  const blocked = ending.receipt?.blocked ?? [];
  const lost = ordered - delivered.length - blocked.length;
  const missing =
    lost <= 0 || delivered.length === 0
      ? []
      : [`${delivered.length} of ${ordered} images were made; the others were not charged`];
  const warnings = [...job.warnings, ...told, ...blocked.map(blockedWarning), ...missing];
  if (ending.kind === 'canceled' && !whole) return { ...base, status: 'canceled', warnings };
  if (delivered.length === 0)
    return { ...base, status: 'failed', warnings, error: errorOf(ending) };
  const reason = ending.kind === 'failed' && !whole ? [ending.message] : [];
  return { ...base, status: 'succeeded', warnings: [...warnings, ...reason] };
}

function blockedWarning({ index, reason }: BlockedImage): string {
  return `Image ${index} was blocked and not charged: ${reason}`;
}

function errorOf(ending: Ending): { readonly code: ErrorCode; readonly message: string } {
  if (ending.kind === 'failed') return { code: ending.code, message: ending.message };
  const [first] = ending.receipt?.blocked ?? [];
  if (first !== undefined && ending.receipt?.images.length === 0) {
    return { code: 'content-blocked', message: `Every image was blocked: ${first.reason}` };
  }
  return { code: 'model-error', message: 'The images of this prediction were not stored' };
}
