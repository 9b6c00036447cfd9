import type { ApiApp } from '#functions/api/http/context.ts';
import { WEBHOOK_EVENTS, type WebhookEvent } from '#shared/core/job.ts';

const WHEN: Record<WebhookEvent, string> = {
  start: 'The model began. Sent once.',
  logs: 'Another image is done: at most every 500 ms. Sent once.',
  output: 'The images can be fetched. Sent once.',
  completed: 'It succeeded, failed or was cancelled: the only event whose status says so.',
};

/** In words: openapi-generator's code does not compile where a webhook has parameters or a body. */
const DESCRIPTION =
  'The body is the prediction, as `GET /v1/predictions/{id}` serves it. Signed after Standard Webhooks by `webhook-id`, `webhook-timestamp` and `webhook-signature`; `webhook-event` names the event. `webhook-id` is the same on every attempt, so go by it to tell what comes twice.';

/** The calls that the service makes to a prediction's `webhook`, for the API's description. */
export function describeWebhooks(app: ApiApp): void {
  for (const event of WEBHOOK_EVENTS) {
    app.openAPIRegistry.registerWebhook({
      method: 'post',
      path: `prediction.${event}`,
      operationId: `onPrediction${event.charAt(0).toUpperCase()}${event.slice(1)}`,
      tags: ['Calls'],
      summary: WHEN[event],
      description: DESCRIPTION,
      responses: { 200: { description: 'Any 2xx: it arrived' } },
    });
  }
}
