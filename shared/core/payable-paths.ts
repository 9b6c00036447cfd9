/** The creates that one who has no account may pay for, as paths. */
const PAYABLE = [
  /^\/v1\/predictions$/,
  /^\/v1\/models\/[^/]+\/[^/]+\/predictions$/,
  /^\/v1\/images$/,
];

/** Where what was paid for is read, by a link that authorises itself. */
export const PAID_PREFIX = '/paid/';

/** Where Stripe tells of payments, by events that it signs. */
export const CARD_EVENTS_PATH = '/stripe/webhook';

/** Whether a request without credentials may go on, to be told a price: a create, and nothing else. */
export function isPayable(method: string, path: string): boolean {
  return method === 'POST' && PAYABLE.some((pattern) => pattern.test(path));
}
