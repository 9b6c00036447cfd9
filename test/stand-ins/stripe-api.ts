import { Hono } from 'hono';
import Stripe from 'stripe';
import { type HttpServer, startHttpServer } from '#functions/local/http-server.ts';

/** Signs with the SDK's own helper. */
const signer = new Stripe('unused');

type Members = Readonly<Record<string, unknown>>;
type Session = Record<string, unknown> & { readonly id: string };
type Intent = Record<string, unknown> & { readonly id: string; readonly amount: number };

export interface StripeStandIn {
  readonly url: string;
  /** Calls of the API, as method and path, and their `Idempotency-Key`. */
  readonly calls: { readonly call: string; readonly key: string | undefined }[];
  /** What the next off-session charges end with; `succeeded` when empty. */
  readonly charges: (
    | 'succeeded'
    | 'processing'
    | 'authentication_required'
    | 'card_declined'
    // It is charged, and the answer says that it failed.
    | 'lost'
  )[];
  readonly intents: ReadonlyMap<string, Intent>;
  /** A session as it was made, and the form that it was made from. */
  readonly session: (id: string) => Session | undefined;
  /** Pays a session as its page does, without an event; the payment's id. */
  pay(session: string, change?: Members): string;
  intent(id: string): Intent | undefined;
  close(): Promise<void>;
}

/**
 * Stripe's API as far as it is called, with a page that pays without a card. It keeps what was made, and tells
 * `onPaid` of what its page has paid. It can't show what Stripe refuses: `stripe-mock` knows the shapes.
 */
export async function startStripeStandIn(
  onPaid: (session: Session) => Promise<void> = async () => undefined,
): Promise<StripeStandIn> {
  const sessions = new Map<string, Session>();
  const intents = new Map<string, Intent>();
  const remembered = new Map<string, Members>();
  const calls: StripeStandIn['calls'] = [];
  const charges: StripeStandIn['charges'] = [];
  let count = 0;
  const app = new Hono();

  app.use('/v1/*', async (c, next) => {
    const key = c.req.header('idempotency-key');
    calls.push({ call: `${c.req.method} ${c.req.path}`, key });
    await next();
  });

  app.post('/v1/checkout/sessions', async (c) => {
    const key = c.req.header('idempotency-key') ?? '';
    const known = remembered.get(key);
    if (known !== undefined) return c.json(known);
    const form = new URLSearchParams(await c.req.text());
    const id = `cs_${++count}`;
    const session: Session = {
      ...{ id, object: 'checkout.session', payment_status: 'unpaid', payment_intent: null },
      currency: form.get('line_items[0][price_data][currency]'),
      amount_total: Number(form.get('line_items[0][price_data][unit_amount]')),
      client_reference_id: form.get('client_reference_id'),
      metadata: metadataOf(form),
      setup_future_usage: form.get('payment_intent_data[setup_future_usage]'),
      success_url: form.get('success_url'),
      cancel_url: form.get('cancel_url'),
      expires_at: Math.floor(Date.now() / 1000) + 86_400,
      // Another site than the service's, as Stripe's is.
      url: `${url().replace('127.0.0.1', 'localhost')}/pay/${id}`,
    };
    sessions.set(id, session);
    remembered.set(key, session);
    return c.json(session);
  });

  app.post('/v1/payment_intents', async (c) => {
    const key = c.req.header('idempotency-key') ?? '';
    const form = new URLSearchParams(await c.req.text());
    const known = remembered.get(key);
    if (known !== undefined) return c.json(known, 'error' in known ? 402 : 200);
    const end = charges.shift() ?? 'succeeded';
    if (end === 'lost') {
      const status = 'succeeded';
      remembered.set(key, chargeOf(form, status));
      return c.json({ error: { type: 'api_error' } }, 500);
    }
    if (end === 'authentication_required' || end === 'card_declined') {
      const refused = { error: { type: 'card_error', code: end, message: 'refused' } };
      remembered.set(key, refused);
      return c.json(refused, 402);
    }
    const intent = chargeOf(form, end);
    remembered.set(key, intent);
    return c.json(intent);
  });

  const chargeOf = (form: URLSearchParams, status: string): Intent => {
    const amount = Number(form.get('amount'));
    const intent: Intent = {
      ...{ id: `pi_${++count}`, object: 'payment_intent', status, amount },
      amount_received: status === 'succeeded' ? amount : 0,
      ...{ currency: form.get('currency'), metadata: metadataOf(form) },
      ...{ customer: form.get('customer'), payment_method: form.get('payment_method') },
      ...{ off_session: form.get('off_session'), setup_future_usage: null },
    };
    intents.set(intent.id, intent);
    return intent;
  };

  app.get('/v1/payment_intents/:id', (c) => {
    const intent = intents.get(c.req.param('id'));
    if (intent !== undefined) return c.json(intent);
    return c.json({ error: { type: 'invalid_request_error', code: 'resource_missing' } }, 404);
  });

  app.get('/pay/:id', (c) =>
    c.html(
      `<!doctype html><title>Pay</title><h1>Pay ${Number(sessions.get(c.req.param('id'))?.['amount_total']) / 100} USD</h1><form method="post"><button>Pay</button></form>`,
    ),
  );

  app.post('/pay/:id', async (c) => {
    const session = sessions.get(c.req.param('id'));
    if (session === undefined) return c.notFound();
    pay(session.id);
    await onPaid(sessions.get(session.id) ?? session);
    return c.redirect(String(session['success_url']), 303);
  });

  const pay = (id: string, change: Members = {}): string => {
    const session = sessions.get(id);
    if (session === undefined) throw new Error(`no session ${id}`);
    const amount = Number(session['amount_total']);
    const intent: Intent = {
      ...{ id: `pi_${++count}`, object: 'payment_intent', status: 'succeeded', amount },
      ...{ amount_received: amount, currency: session['currency'], metadata: session['metadata'] },
      setup_future_usage: session['setup_future_usage'],
      ...{ customer: `cus_${count}`, payment_method: `pm_${count}` },
      ...change,
    };
    intents.set(intent.id, intent);
    sessions.set(id, { ...session, payment_status: 'paid', payment_intent: intent.id });
    return intent.id;
  };

  const server: HttpServer = await startHttpServer({
    fetch: (request) => app.fetch(request),
    host: '127.0.0.1',
    port: 0,
  });
  const url = () => server.url;
  return {
    url: server.url,
    calls,
    charges,
    intents,
    session: (id) => sessions.get(id),
    pay,
    intent: (id) => intents.get(id),
    close: () => server.close(100),
  };
}

function metadataOf(form: URLSearchParams): Readonly<Record<string, string>> {
  const members = [...form].flatMap(([name, value]) => {
    const [, key] = /^metadata\[(.+)\]$/.exec(name) ?? [];
    return key === undefined ? [] : [[key, value] as const];
  });
  return Object.fromEntries(members);
}

/** An event as Stripe sends it: the body, and the signature over it. */
export function signedEvent(
  type: string,
  object: Members,
  { secret, at = Date.now() }: { readonly secret: string; readonly at?: number },
) {
  const payload = JSON.stringify({
    ...{ id: `evt_${type}`, object: 'event', api_version: '2026-01-01', created: at / 1000, type },
    data: { object },
  });
  const timestamp = Math.floor(at / 1000);
  const signature = signer.webhooks.generateTestHeaderString({ payload, secret, timestamp });
  return { payload, signature };
}
