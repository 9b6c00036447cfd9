import { createRoute, z } from '@hono/zod-openapi';
import { streamSSE } from 'hono/streaming';
import { commonHeaders } from '#functions/api/http/answer.ts';
import type { ApiApp } from '#functions/api/http/context.ts';
import { errorResponse } from '#functions/api/http/error-schema.ts';
import { notFound } from '#functions/api/http/errors.ts';
import { StreamEventSchema } from '#functions/api/http/event-stream-schema.ts';
import type { RouteDeps } from '#functions/api/http/route-deps.ts';
import { isUlid, type JobId } from '#shared/core/ids.ts';
import { followJob } from './follow-job.ts';

/** Replicate's Python client ends with an exception at an event that Replicate does not have. */
const KNOWS_NO_PHASES = /^replicate-python\//;

/** `GET /streams/{id}/{token}`: a prediction's events as they happen. The link authorises itself. */
export function registerStreams(app: ApiApp, deps: RouteDeps): void {
  const route = createRoute({
    method: 'get',
    path: '/streams/{id}/{token}',
    summary: 'Follow a prediction as server-sent events; its urls.stream',
    description:
      'Events: `phase` (JSON), `logs` (a progress line), `output` (a URL), `error`, `done`. ' +
      "Replicate's Python client, which takes no others than its own, is sent no `phase`. " +
      'A stream that breaks off goes on after `Last-Event-ID`.',
    request: {
      params: z.object({ id: z.string(), token: z.string() }),
      headers: z.object({ 'last-event-id': z.string().optional() }),
    },
    responses: {
      200: {
        description: 'Events',
        content: { 'text/event-stream': { schema: StreamEventSchema } },
      },
      404: errorResponse(404),
    },
  });

  app.openapi(route, async (c) => {
    const { id, token } = c.req.valid('param');
    const job =
      isUlid(id) && token === deps.streamToken(id as JobId)
        ? await deps.jobs.get(id as JobId)
        : undefined;
    if (job === undefined) throw notFound('stream', id);
    const { origin } = c.get('facts');
    const lastId = Number(c.req.header('last-event-id') ?? 0) || 0;
    const takesPhases = !KNOWS_NO_PHASES.test(c.req.header('user-agent') ?? '');
    for (const [name, value] of Object.entries(commonHeaders(c))) c.header(name, value);
    c.header('access-control-allow-origin', '*');
    return streamSSE(c, async (stream) => {
      for await (const event of followJob(deps, job, {
        origin,
        lastId,
        signal: c.req.raw.signal,
      })) {
        if (event === 'idle') await stream.write(': still here\n\n');
        else if (event.event !== 'phase' || takesPhases)
          await stream.writeSSE({ ...event, id: String(event.id) });
        if (stream.aborted) return;
      }
    });
  });
}
