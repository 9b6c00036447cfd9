import { type Clock, isoOrNull, toIso } from '#shared/core/clock.ts';
import { defined } from '#shared/core/defined.ts';
import { MEDIA_TYPES } from '#shared/core/inference.ts';
import type { Job } from '#shared/core/job.ts';
import { PAID_PREFIX } from '#shared/core/payable-paths.ts';
import type { BlobStore } from '#shared/service/ports/blob-store.ts';
import type { Estimate } from './estimator.ts';
import { progressLog } from './progress-log.ts';
import { imageSignature } from './signed-receipt.ts';
import { type StreamMac, streamToken } from './stream-link.ts';

/** How long after its deadline a job that has no account behind it can be read. */
const PAID_LINK_MS = 24 * 3_600_000;

export interface PresenterDeps {
  readonly blobs: Pick<BlobStore, 'signedUrl'>;
  readonly clock: Clock;
  /** How long the URLs of outputs work. */
  readonly settings: { readonly urlTtlMs: number };
  /** The secret part of a stream's URL. */
  readonly streamMac: StreamMac;
  /** Signs the receipts inside images. */
  readonly receiptSigningKey: Uint8Array;
}

/** Turns jobs into what clients see; URLs of outputs are made here and nowhere kept. */
export function createPresenter(deps: PresenterDeps) {
  const signedUrls = async (job: Job, origin: string, expiresAt: number) =>
    Promise.all(
      job.images.map(async ({ key, index, format }) => {
        const url = await deps.blobs.signedUrl(key, {
          expiresAt,
          filename: `${job.id}-${index}.${format}`,
          contentType: MEDIA_TYPES[format],
        });
        return url.startsWith('/') ? origin + url : url;
      }),
    );

  return {
    /** URLs of a job's images, in their order, that authorise themselves for a while. */
    outputUrls: (job: Job, origin: string): Promise<readonly string[]> =>
      signedUrls(job, origin, deps.clock.now() + deps.settings.urlTtlMs),

    /**
     * @param origin the scheme and host of the links in it
     * @param estimate of an open job; undefined once it has ended
     */
    async present(job: Job, origin: string, estimate: Estimate | undefined) {
      const now = deps.clock.now();
      const urlsExpireAt = now + deps.settings.urlTtlMs;
      // As long as the job can run, and then as long as its images' URLs.
      const streamEndsAt = Math.max(now, job.deadline) + deps.settings.urlTtlMs;
      const self =
        job.payment === undefined
          ? `${origin}/v1/predictions/${job.id}`
          : `${origin}${PAID_PREFIX}${job.id}/${streamToken(deps.streamMac, job.id, job.deadline + PAID_LINK_MS)}`;
      const hasOutput = job.images.length > 0;
      return {
        id: job.id,
        model: job.model.name,
        version: job.model.digest,
        status: job.status,
        input: job.requestInput,
        output: hasOutput ? await signedUrls(job, origin, urlsExpireAt) : null,
        ...(hasOutput ? { output_expires_at: toIso(urlsExpireAt) } : {}),
        error: job.error?.message ?? null,
        ...defined({ error_code: job.error?.code.replaceAll('-', '_') }),
        logs: progressLog(job, imagesDone(job, estimate)),
        warnings: job.warnings,
        ...defined({ blocked: job.receipt?.blocked }),
        source: 'api' as const,
        data_removed: job.dataRemovedAt !== undefined,
        ...defined({ preview: job.preview }),
        created_at: toIso(job.createdAt),
        started_at: isoOrNull(job.startedAt),
        completed_at: isoOrNull(job.completedAt),
        deadline: toIso(job.deadline),
        metrics: metricsOf(job, now),
        ...(estimate && progressOf(estimate)),
        seed: job.input?.seed ?? null,
        cost: job.cost ?? null,
        price: job.payment?.amount ?? job.hold,
        price_version: job.price.version,
        receipt: receiptOf(job, deps.receiptSigningKey),
        metadata: job.tags,
        urls: {
          get: self,
          cancel: `${self}/cancel`,
          web: `${origin}/?prediction=${job.id}`,
          stream: `${origin}/streams/${job.id}/${streamToken(deps.streamMac, job.id, streamEndsAt)}`,
        },
        ...defined({ webhook: job.webhook?.url, webhook_events_filter: job.webhook?.events }),
      };
    },
  };
}

export type Presenter = ReturnType<typeof createPresenter>;
/** A prediction as clients see it, in Replicate's dialect. */
export type PresentedPrediction = Awaited<ReturnType<Presenter['present']>>;

/**
 * A create whose wait is over before its job: `starting`, even when the GPU is at work. Clients take
 * any other state as the end and would hand out nothing.
 */
export function asStarting(prediction: PresentedPrediction): PresentedPrediction {
  const open = prediction.status === 'starting' || prediction.status === 'processing';
  return open ? { ...prediction, status: 'starting', output: null } : prediction;
}

/** What the row notes may be ahead of what this process has seen. */
function imagesDone(job: Job, estimate: Estimate | undefined): number {
  return Math.max(
    job.images.length,
    estimate?.imagesDone ?? 0,
    estimate === undefined ? 0 : (job.progress?.imagesDone ?? 0),
  );
}

function progressOf(estimate: Estimate) {
  return {
    phase: estimate.phase,
    queue_position: estimate.queuePosition ?? null,
    eta_seconds: estimate.etaSeconds,
  };
}

/** Milliseconds of each stage; seconds where the dialect's own names say so. */
function metricsOf(job: Job, now: number): Record<string, number> {
  const end = job.completedAt ?? now;
  const queueEnd = job.startedAt ?? end;
  const ms = job.receipt?.ms;
  return {
    ...(job.startedAt !== undefined && { predict_time: (end - job.startedAt) / 1000 }),
    ...(job.completedAt !== undefined && { total_time: (end - job.createdAt) / 1000 }),
    queue_ms: Math.max(0, queueEnd - job.createdAt),
    ...(ms && {
      load_ms: ms.load,
      text_ms: ms.text,
      unet_ms: ms.unet,
      decode_ms: ms.vae,
      encode_ms: ms.encode,
      upload_ms: ms.upload,
    }),
  };
}

/** What is needed to make the same image again, and to know it. */
function receiptOf(job: Job, receiptSigningKey: Uint8Array) {
  if (job.receipt === undefined || job.input === null) return null;
  const { model, versions, device } = job.receipt;
  return {
    model,
    versions,
    device,
    input: { ...job.input },
    images: job.images.map((image) => {
      const { key: _key, ...shown } = image;
      const signature = imageSignature(job, image, receiptSigningKey);
      return { ...shown, ...defined({ signature }) };
    }),
  };
}
