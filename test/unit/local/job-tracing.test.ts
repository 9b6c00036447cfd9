import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { beforeEach, describe, expect, it } from 'vitest';
import { createJobTracing, type JobTracing } from '#functions/local/job-tracing.ts';
import type { JobId } from '#shared/core/ids.ts';
import type { Job } from '#shared/core/job.ts';
import type { OutboxEntry } from '#shared/core/outbox.ts';
import {
  ACCOUNT,
  NOW,
  sampleAdmission,
  sampleImage,
  sampleReceipt,
} from '#test/helpers/samples.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';
const ID = '01kb0000000000000000000001' as JobId;
const IMAGE = sampleImage(ID);

const OPEN: Job = {
  ...sampleAdmission({ id: ID, createdAt: NOW, traceparent: `00-${TRACE}-${PARENT}-01` }).job,
  rank: 1,
};
const ENDED: Job = {
  ...OPEN,
  status: 'succeeded',
  startedAt: NOW + 100,
  completedAt: NOW + 5000,
  images: [IMAGE],
  receipt: sampleReceipt(ID, [IMAGE]),
};

let exporter: InMemorySpanExporter;
let traces: JobTracing;
beforeEach(() => {
  exporter = new InMemorySpanExporter();
  const spanProcessors = [new SimpleSpanProcessor(exporter)];
  traces = createJobTracing(new BasicTracerProvider({ spanProcessors }).getTracer('test'));
});

const spans = () =>
  exporter.getFinishedSpans().map((span) => {
    const ms = ([seconds, nanos]: readonly [number, number]) => seconds * 1000 + nanos / 1e6;
    return {
      name: span.name,
      from: ms(span.startTime) - NOW,
      to: ms(span.endTime) - NOW,
      traceId: span.spanContext().traceId,
      parent: span.parentSpanContext?.spanId,
      id: span.spanContext().spanId,
      status: span.status,
      attributes: span.attributes,
    };
  });

describe('the spans of a prediction', () => {
  it("are its queue and its stages, one after the other, in the client's trace", () => {
    traces.onJob(OPEN);
    traces.onJob(ENDED);
    const all = spans();
    const root = all.at(-1);
    expect(root).toMatchObject({ name: 'prediction', from: 0, traceId: TRACE, parent: PARENT });
    expect(root?.attributes).toMatchObject({ 'onestep.status': 'succeeded', 'onestep.images': 1 });
    const children = all.slice(0, -1);
    expect(children.map(({ name }) => name)).toEqual([
      'queue',
      'load',
      'text',
      'unet',
      'vae',
      'encode',
      'upload',
    ]);
    for (const [i, { from, parent, traceId }] of children.entries()) {
      expect([parent, traceId]).toEqual([root?.id, TRACE]);
      expect(from).toBeCloseTo(children[i - 1]?.to ?? 0, 2);
    }
    expect(children[0]).toMatchObject({ from: 0, to: 100 });
  });

  it('begin with the request, and go on with its webhooks', () => {
    traces.onRequest(
      {
        requestId: 'req_1',
        method: 'POST',
        route: '/v1/predictions',
        status: 201,
        durationMs: 7,
        job: ID,
        traceparent: `00-${TRACE}-${PARENT}-01`,
      },
      NOW + 5,
    );
    traces.onJob(ENDED);
    const [, traceId, spanId] = traces.traceparentOf(OPEN)?.split('-') ?? [];
    const entry: OutboxEntry = {
      id: 'msg_1',
      account: ACCOUNT,
      job: ID,
      event: 'completed',
      url: 'https://example.com/',
      createdAt: NOW,
      attempts: 0,
    };
    traces.onAttempt(
      { entry: 'msg_1', number: 1, at: NOW + 6000, durationMs: 30, failure: 'timeout' },
      entry,
    );
    const all = spans();
    const root = all.find(({ name }) => name === 'prediction');
    expect(root).toMatchObject({ from: -2, id: spanId, traceId });
    expect(all.find(({ name }) => name === 'POST /v1/predictions')).toMatchObject({
      from: -2,
      to: 5,
      parent: spanId,
    });
    expect(all.at(-1)).toMatchObject({
      name: 'webhook completed',
      from: 6000,
      to: 6030,
      parent: spanId,
      status: { message: 'timeout' },
    });
  });

  it('are a trace of their own without one, and name what went wrong', () => {
    const { traceparent: _, ...job } = ENDED;
    const error = { code: 'model-error', message: 'it broke' } as const;
    traces.onJob({ ...job, status: 'failed', error });
    traces.onJob({ ...job, status: 'failed', error });
    const roots = spans().filter(({ name }) => name === 'prediction');
    expect(roots).toHaveLength(1);
    expect(roots[0]).toMatchObject({ parent: undefined, status: { message: 'model-error' } });
  });

  it('are of no request that ordered nothing', () => {
    traces.onRequest(
      { requestId: 'r', method: 'GET', route: '/v1/models', status: 200, durationMs: 1 },
      NOW,
    );
    expect(spans()).toEqual([]);
    expect(traces.traceparentOf(OPEN)).toBeUndefined();
  });
});
