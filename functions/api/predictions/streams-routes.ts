import { z } from '@hono/zod-openapi';
import { answerEvents } from '#functions/api/http/answer.ts';
import { StreamEventSchema } from '#functions/api/http/common-schema.ts';
import { notFound } from '#functions/api/http/errors.ts';
import { apiRoute } from '#functions/api/http/json-route.ts';
import type { RegisterRoutes } from '#functions/api/http/route-deps.ts';
import { AppError } from '#shared/core/errors.ts';
import { isUlid, type JobId } from '#shared/core/ids.ts';
import { judgeStreamToken } from '#shared/service/domain/stream-link.ts';
import { followJob } from './follow-job.ts';

/** Replicate's Python client raises an exception at an event that Replicate does not have. */
const KNOWS_NO_PHASES = /^replicate-python\//;

/** `GET /streams/{id}/{token}`: a prediction's events as they happen. The link authorises itself, for a while. */
export const registerStreams: RegisterRoutes = (app, deps) =>
  apiRoute(app, deps, {
    method: 'get',
    path: '/streams/{id}/{token}',
    operationId: 'streamPrediction',
    summary: 'Follow a prediction as server-sent events (its urls.stream)',
    description:
      'Events: `phase` (JSON), `logs` (a progress line), `output` (a URL), `error`, `done`. ' +
      "Replicate's Python client, which accepts no events but its own, is sent no `phase`. " +
      'A stream that breaks off is resumed after `Last-Event-ID`.',
    params: z.object({ id: z.string(), token: z.string() }),
    headers: z.object({ 'last-event-id': z.string().optional() }),
    responses: {
      200: {
        description: 'Events',
        content: { 'text/event-stream': { schema: StreamEventSchema } },
      },
    },
    failures: [404, 410],
    async handle(c, { params }) {
      const id = params.id as JobId;
      const verdict = isUlid(id)
        ? judgeStreamToken(deps.streamMac, id, params.token, deps.clock.now())
        : 'forged';
      if (verdict === 'expired') {
        throw new AppError('gone', 'This link has expired. Read the prediction for a new one.');
      }
      const job = verdict === 'good' ? await deps.jobs.get(id) : undefined;
      if (job === undefined) throw notFound('stream', id);
      const { origin } = c.get('facts');
      const lastId = Number(c.req.header('last-event-id') ?? 0) || 0;
      const takesPhases = !KNOWS_NO_PHASES.test(c.req.header('user-agent') ?? '');
      c.header('access-control-allow-origin', '*');
      return answerEvents(c, async (stream) => {
        const { signal } = c.req.raw;
        for await (const event of followJob(deps, job, { origin, lastId, signal })) {
          if (event === 'idle') await stream.write(': still here\n\n');
          else if (event.event !== 'phase' || takesPhases)
            await stream.writeSSE({ ...event, id: String(event.id) });
          if (stream.aborted) return;
        }
      });
    },
  });
