/** What one signature covers: the secret (`whsec_…`), the webhook's id, the time and the body. */
export interface SignedContent {
  readonly secret: string;
  readonly id: string;
  readonly atMs: number;
  readonly body: string;
}

/** Makes one signature (`v1,…`) of the Standard Webhooks scheme. */
export type SignWebhook = (content: SignedContent) => string;

/**
 * The three headers of a signed webhook. Every secret signs, so that a receiver may hold the old or
 * the new one while a rotation overlaps.
 */
export function signedHeaders(
  sign: SignWebhook,
  secrets: readonly string[],
  content: Omit<SignedContent, 'secret'>,
): Record<string, string> {
  return {
    'webhook-id': content.id,
    'webhook-timestamp': String(Math.floor(content.atMs / 1000)),
    'webhook-signature': secrets.map((secret) => sign({ ...content, secret })).join(' '),
  };
}
