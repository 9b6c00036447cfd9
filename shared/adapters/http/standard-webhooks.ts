import { Webhook } from 'standardwebhooks';
import type { SignWebhook } from '#shared/service/domain/webhooks/sign.ts';

/** One `v1,…` signature of the Standard Webhooks scheme: HMAC-SHA256 over `id.timestamp.body`. */
export const signStandardWebhook: SignWebhook = ({ secret, id, atMs, body }) =>
  new Webhook(secret).sign(id, new Date(atMs), body);
