import { z } from '@hono/zod-openapi';

/** One event of a `text/event-stream` answer, as its lines are read. */
export const StreamEventSchema = z
  .object({
    event: z.string().optional(),
    data: z.string(),
    id: z.string().optional(),
  })
  .openapi('StreamEvent');
