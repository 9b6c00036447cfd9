/** A header as the OpenAPI document describes it. */
function header(name: string, description: string, example: string) {
  return {
    name,
    in: 'header' as const,
    required: false,
    description,
    schema: { type: 'string' as const },
    example,
  };
}

/**
 * Headers of every order. They are described and not validated by the router, which would copy all
 * headers of each request for that; the code that uses one checks it.
 */
export const ORDER_HEADERS = [
  header('Prefer', 'How long to wait for the end: `wait` or `wait=SECONDS`', 'wait=30'),
  header(
    'Cancel-After',
    'When to give up on the prediction; at least five seconds. If it runs by then, this counts as a cancellation',
    '5m',
  ),
  header('Idempotency-Key', 'Requests with the same key and body are one order', 'order-2026-117'),
];
