import type { z } from '@hono/zod-openapi';
import type { RouteDeps } from '#functions/api/http/route-deps.ts';
import { imageBase64 } from '#functions/api/openai/present-openai.ts';
import { toIso } from '#shared/core/clock.ts';
import { MEDIA_TYPES } from '#shared/core/inference.ts';
import { isTerminal, type Job } from '#shared/core/job.ts';
import type { Estimate } from '#shared/service/domain/estimator.ts';
import { progressLines } from '#shared/service/domain/progress-log.ts';
import type { FalResultSchema, FalStatusSchema } from './fal-schema.ts';

/** The URLs of a queued request in fal's dialect. */
export function falUrls(job: Job, origin: string) {
  const self = `${origin}/fal/queue/${job.model.name}/requests/${job.id}`;
  return { response_url: self, status_url: `${self}/status`, cancel_url: `${self}/cancel` };
}

/** A job as fal's queue shows it: there is no failed state; the result says so. */
export function presentFalStatus(
  job: Job,
  estimate: Estimate | undefined,
  origin: string,
): z.input<typeof FalStatusSchema> {
  const request = { request_id: job.id, ...falUrls(job, origin) };
  const logs = progressLines(job, estimate?.imagesDone ?? job.images.length).map((message) => ({
    message,
    level: 'INFO' as const,
    source: 'USER' as const,
    timestamp: toIso(job.startedAt ?? job.createdAt),
  }));
  if (isTerminal(job.status)) {
    const ms = (job.completedAt ?? job.createdAt) - (job.startedAt ?? job.createdAt);
    return {
      status: 'COMPLETED',
      ...request,
      logs,
      metrics: { inference_time: ms / 1000 },
      ...(job.error === undefined
        ? {}
        : { error: job.error.message, error_type: job.error.code.replaceAll('-', '_') }),
    };
  }
  if (estimate === undefined || estimate.queuePosition !== undefined || job.status === 'starting') {
    return { status: 'IN_QUEUE', ...request, queue_position: estimate?.queuePosition ?? 0, logs };
  }
  return { status: 'IN_PROGRESS', ...request, logs };
}

/**
 * A succeeded job as fal's text-to-image models answer.
 *
 * @param inline images as data URLs (`sync_mode`)
 */
export async function presentFalResult(
  deps: Pick<RouteDeps, 'presenter' | 'blobs'>,
  job: Job,
  origin: string,
  inline: boolean,
): Promise<z.input<typeof FalResultSchema>> {
  const urls = inline ? [] : await deps.presenter.outputUrls(job, origin);
  const images = await Promise.all(
    job.images.map(async (image, index) => {
      const content_type = MEDIA_TYPES[image.format];
      return {
        url: inline
          ? `data:${content_type};base64,${await imageBase64(deps, image)}`
          : (urls[index] ?? ''),
        content_type,
        file_name: `${job.id}-${image.index}.${image.format}`,
        file_size: image.bytes,
        width: image.width,
        height: image.height,
      };
    }),
  );
  return {
    images,
    timings: {
      inference: ((job.completedAt ?? 0) - (job.startedAt ?? job.completedAt ?? 0)) / 1000,
    },
    seed: job.input?.seed ?? 0,
    has_nsfw_concepts: images.map(() => false),
    prompt: job.input?.prompt ?? '',
    cost: job.cost ?? 0,
  };
}
