import type { Clock } from '#shared/core/clock.ts';
import { toIso } from '#shared/core/clock.ts';
import type { Job } from '#shared/core/job.ts';

/** Log lines of a function: one JSON object each. Prompts, keys and URLs are never put in. */
export interface JsonLog {
  /** Something that metrics are derived from. */
  event(name: string, fields: Readonly<Record<string, unknown>>): void;
  error(error: unknown, what: string): void;
  /** The end of a job, with what its metrics need. */
  settled(job: Job): void;
}

export function createJsonLog(deps: {
  readonly function: string;
  readonly clock: Clock;
  readonly write: (line: string) => void;
}): JsonLog {
  const line = (level: string, fields: Readonly<Record<string, unknown>>) => {
    const base = { level, time: toIso(deps.clock.now()), function: deps.function };
    deps.write(`${JSON.stringify({ ...base, ...fields })}\n`);
  };
  const event = (name: string, fields: Readonly<Record<string, unknown>>) =>
    line('info', { event: name, ...fields });
  return {
    event,
    error: (error, what) => line('error', { what, error: describe(error) }),
    settled: (job) => event('job-settled', settledFields(job)),
  };
}

/** An error and its causes, without anything else that the thrown object carries. */
function describe(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return String(error);
  const { name, message, stack, cause } = error;
  const inner = cause === undefined || depth > 3 ? {} : { cause: describe(cause, depth + 1) };
  return { name, message, stack, ...inner };
}

function settledFields(job: Job): Record<string, unknown> {
  const ms = job.receipt?.ms;
  return {
    job: job.id,
    account: job.account,
    model: job.model.name,
    status: job.status,
    images: job.images.length,
    costMicroUsd: job.cost ?? 0,
    totalMs: (job.completedAt ?? job.createdAt) - job.createdAt,
    attempts: job.attempts,
    ...(job.error && { code: job.error.code }),
    ...(ms && {
      gpuMs: ms.text + ms.unet + ms.vae + ms.encode + ms.upload,
      start: ms.load > 0 ? 'cold' : 'warm',
    }),
  };
}
