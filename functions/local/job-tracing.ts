import {
  type Context,
  isSpanContextValid,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { LRUCache } from 'lru-cache';
import type { ObservedRequest } from '#functions/api/http/observe-requests.ts';
import type { JobId } from '#shared/core/ids.ts';
import { isTerminal, type Job } from '#shared/core/job.ts';
import type { DeliveryAttempt, OutboxEntry } from '#shared/core/outbox.ts';

/** Jobs whose spans can still be added to: webhooks come after the end. */
const MAX_JOBS = 10_000;

/** The stages of a run, in their order. */
const STAGES = ['load', 'text', 'unet', 'vae', 'encode', 'upload'] as const;

/**
 * Spans of predictions: the request that ordered one, its time in the queue, each stage of its run, and its
 * webhooks, all under one span that begins with the order. That span is a child of the client's, where the
 * request has a `traceparent`. Times are those that the job itself tells, in milliseconds since the Unix epoch.
 */
export function createJobTracing(tracer: Tracer) {
  const spans = new LRUCache<JobId, Span>({ max: MAX_JOBS });

  const spanOf = (job: Pick<Job, 'id' | 'traceparent'>, startTime: number): Span => {
    const known = spans.get(job.id);
    if (known !== undefined) return known;
    const span = tracer.startSpan(
      'prediction',
      { startTime, kind: SpanKind.SERVER, attributes: { 'onestep.prediction': job.id } },
      parentOf(job.traceparent),
    );
    spans.set(job.id, span);
    return span;
  };
  const add = (parent: Span, name: string, from: number, to: number, kind?: SpanKind): Span => {
    const options = { startTime: from, ...(kind !== undefined && { kind }) };
    const span = tracer.startSpan(name, options, trace.setSpan(ROOT_CONTEXT, parent));
    span.end(to);
    return span;
  };

  return {
    /** A request whose answer has begun, at this time. */
    onRequest(request: ObservedRequest, now: number): void {
      const { job, traceparent, durationMs, method, route } = request;
      if (job === undefined) return;
      const parent = spanOf({ id: job, ...(traceparent && { traceparent }) }, now - durationMs);
      add(parent, `${method} ${route}`, now - durationMs, now);
    },

    /** A job that has changed: the spans of one that has ended are made. */
    onJob(job: Job): void {
      const span = spanOf(job, job.createdAt);
      if (!isTerminal(job.status) || !span.isRecording()) return;
      const endedAt = job.completedAt ?? job.createdAt;
      add(span, 'queue', job.createdAt, job.startedAt ?? endedAt);
      let at = job.startedAt ?? endedAt;
      for (const stage of STAGES) {
        const tookMs = job.receipt?.ms[stage];
        if (tookMs === undefined) continue;
        add(span, stage, at, at + tookMs);
        at += tookMs;
      }
      span.setAttributes({
        'onestep.model': job.model.name,
        'onestep.status': job.status,
        'onestep.images': job.images.length,
      });
      if (job.status === 'failed') {
        span.setStatus({
          code: SpanStatusCode.ERROR,
          ...(job.error && { message: job.error.code }),
        });
      }
      span.end(Math.max(endedAt, at));
    },

    /** An attempt to deliver a webhook of a job. */
    onAttempt(attempt: DeliveryAttempt, { job, event }: OutboxEntry): void {
      const span = job === undefined ? undefined : spans.get(job);
      if (span === undefined) return;
      const { at, durationMs, status, failure } = attempt;
      const options = { startTime: at, kind: SpanKind.CLIENT };
      const sent = tracer.startSpan(`webhook ${event}`, options, trace.setSpan(ROOT_CONTEXT, span));
      if (status !== undefined) sent.setAttribute('http.response.status_code', status);
      if (failure !== undefined) sent.setStatus({ code: SpanStatusCode.ERROR, message: failure });
      sent.end(at + durationMs);
    },

    /** The trace that goes along with a job's webhooks. */
    traceparentOf({ id }: Pick<Job, 'id'>): string | undefined {
      const context = spans.get(id)?.spanContext();
      if (context === undefined || !isSpanContextValid(context)) return undefined;
      const flags = context.traceFlags.toString(16).padStart(2, '0');
      return `00-${context.traceId}-${context.spanId}-${flags}`;
    },
  };
}

export type JobTracing = ReturnType<typeof createJobTracing>;

function parentOf(traceparent: string | undefined): Context {
  const [, traceId, spanId, flags] = traceparent?.split('-') ?? [];
  if (traceId === undefined || spanId === undefined) return ROOT_CONTEXT;
  const traceFlags = Number.parseInt(flags ?? '0', 16);
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true });
}
