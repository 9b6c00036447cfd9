import type { ApiApp } from '#functions/api/http/context.ts';
import { PredictionSchema } from '#functions/api/predictions/prediction-schema.ts';
import { WEBHOOK_EVENTS, type WebhookEvent } from '#shared/core/job.ts';

const WHEN: Record<WebhookEvent, string> = {
  start: 'The model began. Sent once.',
  logs: 'Another image is done: at most every 500 ms. Sent once.',
  output: 'The images can be fetched. Sent once.',
  completed: 'It succeeded, failed or was cancelled: the only event whose status says so.',
};

const DESCRIPTION =
  'Signed after Standard Webhooks; `webhook-id` is the same on every attempt, so go by it to tell what comes twice.';

/** The calls that the service makes to a prediction's `webhook`, for the API's description. */
export function describeWebhooks(app: ApiApp): void {
  const header = (name: string, description: string) => ({
    name,
    in: 'header' as const,
    required: true,
    description,
    schema: { type: 'string' as const },
  });
  for (const event of WEBHOOK_EVENTS) {
    app.openAPIRegistry.registerWebhook({
      method: 'post',
      path: `prediction.${event}`,
      operationId: `onPrediction${event.charAt(0).toUpperCase()}${event.slice(1)}`,
      tags: ['Webhooks'],
      summary: WHEN[event],
      description: DESCRIPTION,
      parameters: [
        header('webhook-id', 'The same on every attempt'),
        header('webhook-timestamp', 'Seconds since the Unix epoch'),
        header('webhook-signature', 'One or more of v1,BASE64'),
        header('webhook-event', `${event}`),
      ],
      request: {
        body: { required: true, content: { 'application/json': { schema: PredictionSchema } } },
      },
      responses: { 200: { description: 'Any 2xx: it arrived' } },
    });
  }
}
