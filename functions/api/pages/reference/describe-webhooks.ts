import type { ApiApp } from '#functions/api/http/context.ts';
import { ACCOUNT_EVENTS, type AccountEvent } from '#shared/core/account-hook.ts';
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

const WHEN_OF_ACCOUNT: Record<AccountEvent, string> = {
  'balance.low': 'Less can be spent than `low_balance`. Sent again after it was not so.',
  'key.capped': 'A key has less left of its cap than any order costs. Sent once a day or month.',
  'endpoint.disabled': 'A receiver is not called any more, since it failed for five days.',
  'model.warm': 'A model has an instance: its images come at once.',
  'model.cold': 'A model has no instance any more: the next order waits for one.',
  'topup.ended':
    'Credit is bought by itself no more: the card’s holder is asked for, or it was refused.',
  'ledger.mismatch': 'The sums of the ledger do not agree. For the operator.',
};
const ACCOUNT_DESCRIPTION =
  'Sent to the URL of `PUT /v1/webhooks/account`. The body is an `AccountEvent`: `type`, `timestamp` and `data`. Signed and tried again as the webhooks of predictions are.';

/** The calls that the service makes to webhooks, for the API's description. */
export function describeWebhooks(app: ApiApp): void {
  for (const event of WEBHOOK_EVENTS) {
    app.openAPIRegistry.registerWebhook({
      method: 'post',
      path: `prediction.${event}`,
      operationId: `onPrediction${capital(event)}`,
      tags: ['Calls'],
      summary: WHEN[event],
      description: DESCRIPTION,
      responses: { 200: { description: 'Any 2xx: it arrived' } },
    });
  }
  for (const event of ACCOUNT_EVENTS) {
    const [noun = '', what = ''] = event.split('.').map(capital);
    app.openAPIRegistry.registerWebhook({
      method: 'post',
      path: event,
      operationId: `on${noun}${what}`,
      tags: ['Calls'],
      summary: WHEN_OF_ACCOUNT[event],
      description: ACCOUNT_DESCRIPTION,
      responses: { 200: { description: 'Any 2xx: it arrived' } },
    });
  }
}

const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);
