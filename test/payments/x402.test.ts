import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodePaymentRequiredHeader, encodePaymentSignatureHeader } from '@x402/core/http';
import type { PaymentRequirements } from '@x402/core/types';
import { ExactEvmScheme } from '@x402/evm';
import { registerExactEvmScheme } from '@x402/evm/exact/client';
import { decodePaymentResponseHeader, wrapFetchWithPayment, x402Client } from '@x402/fetch';
import type { PrivateKeyAccount } from 'viem';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { type EmbeddedServer, startEmbeddedServer } from '#functions/local/compose.ts';
import { loadServeConfig } from '#functions/local/serve-config.ts';
import { createX402Desk } from '#shared/adapters/x402/x402-desk.ts';
import { openSqliteStores } from '#shared/adapters/sqlite/sqlite-stores.ts';
import { microUsd } from '#shared/core/money.ts';
import { X402SettingsSchema } from '#shared/core/x402-settings.ts';
import { createCountedBytes } from '#test/helpers/counted-bytes.ts';
import { allEntries, expectInvariant } from '#test/helpers/invariant.ts';
import { fromRoot } from '#test/helpers/root.ts';
import { type Facilitator, startFacilitator } from './facilitator.ts';
import { type LocalChain, NETWORK, startLocalChain, USDC } from './local-chain.ts';
import { order, payingFetch, read } from './paying-client.ts';

const PRICE = 4000;
const DOLLAR = 1_000_000;

let chain: LocalChain;
let facilitator: Facilitator;
let folder: string;
let server: EmbeddedServer;
let payTo: PrivateKeyAccount;
const complaints: unknown[] = [];

function startServer(): Promise<EmbeddedServer> {
  const config = loadServeConfig({
    flags: { data: folder, port: '0', synchronous: 'normal' },
    env: {
      X402_PAY_TO: payTo.address,
      X402_NETWORK: NETWORK,
      X402_FACILITATOR_URL: facilitator.url,
      X402_RPC_URL: chain.rpcUrl,
      X402_UNPAID_PER_PAYER: '2',
      X402_UNPAID_PER_ADDRESS: '100',
      ONESTEP_SAFETY: JSON.stringify({ imageCheck: fromRoot('test/payments/block-some.mjs') }),
    },
    file: 'none',
    fileRequired: false,
  });
  return startEmbeddedServer(config, {
    env: { ...process.env, X402_FACILITATOR_TOKEN: 'token-of-the-facilitator' },
    onError: (error, what) => complaints.push([what, error]),
    onLog: () => {},
  });
}

beforeAll(async () => {
  chain = await startLocalChain(inject('paymentTools'));
  facilitator = await startFacilitator(chain);
  payTo = await chain.newAccount();
  folder = mkdtempSync(join(tmpdir(), 'onestep-payments-'));
  server = await startServer();
});

beforeEach(() => {
  facilitator.beforeSettling = async () => undefined;
  facilitator.losesAnswers = false;
  complaints.length = 0;
});

/** Registered first, so it runs last, whatever the books say. */
afterAll(async () => {
  await facilitator.close();
  await chain.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** The books, once the server has left them. */
afterAll(async () => {
  await server.close();
  const stores = openSqliteStores({
    folder,
    clock: { now: () => Date.now() },
    randomBytes: createCountedBytes('after'),
  });
  await expectInvariant(stores.ledger);
  let paid = 0;
  for (const { id, name } of await stores.ledger.listAccounts()) {
    if (!name.startsWith('x402 ')) continue;
    const { granted, captured, balances, held } = await stores.ledger.totals(id);
    expect([captured, balances, held]).toEqual([granted, 0, 0]);
    const payer = name.slice('x402 '.length);
    const kinds = (await allEntries(stores.ledger, id)).map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === 'grant').length * PRICE, payer).toBe(granted);
    paid += granted;
  }
  expect(paid).toBeGreaterThan(0);
  expect(paid).toBe(await chain.balanceOf(payTo.address));
  stores.close();
});

const predictions = () => `${server.url}/v1/predictions`;

/** What an order of this prompt is told to pay. */
async function demanded(prompt: string): Promise<PaymentRequirements> {
  const answer = await fetch(predictions(), order(prompt));
  expect(answer.status).toBe(402);
  const header = answer.headers.get('payment-required') ?? '';
  const [requirement] = decodePaymentRequiredHeader(header).accepts;
  return requirement as PaymentRequirements;
}

/** Sends an order with a payment that is signed for one requirement and offered for another. */
async function offer(
  payer: PrivateKeyAccount,
  prompt: string,
  signed: (requirement: PaymentRequirements) => PaymentRequirements,
): Promise<Response> {
  const requirement = await demanded(prompt);
  const scheme = new ExactEvmScheme(payer);
  const { payload } = await scheme.createPaymentPayload(2, signed(requirement));
  const header = encodePaymentSignatureHeader({ x402Version: 2, accepted: requirement, payload });
  return fetch(predictions(), order(prompt, { 'payment-signature': header }));
}

describe('without an account', () => {
  test('an order is told its price, in both versions of the protocol', async () => {
    const answer = await fetch(predictions(), order('a red circle'));
    expect(answer.status).toBe(402);
    const { accepts, resource } = decodePaymentRequiredHeader(
      answer.headers.get('payment-required') ?? '',
    );
    expect(resource.url).toBe(predictions());
    const terms = { scheme: 'exact', payTo: payTo.address, asset: USDC };
    expect(accepts).toMatchObject([{ ...terms, network: NETWORK, amount: String(PRICE) }]);
    // The payment outlasts the job and its settlement.
    expect(accepts[0]?.maxTimeoutSeconds).toBe(3600 + 300);
    expect(await read(answer)).toMatchObject({
      error: { code: 'payment_required' },
      required: PRICE,
      x402Version: 1,
      accepts: [{ ...terms, network: 'base-sepolia', maxAmountRequired: String(PRICE) }],
    });
    expect(facilitator.authorization).toBe('Bearer token-of-the-facilitator');
  });

  test('nothing but a create is sold: a wrong key, a read, other routes are 401', async () => {
    const wrong = await fetch(predictions(), order('a', { authorization: 'Bearer os_live_wrong' }));
    expect(wrong.status).toBe(401);
    for (const path of ['/v1/predictions', '/v1/account', '/v1/models']) {
      expect((await fetch(server.url + path)).status, path).toBe(401);
    }
    const other = await fetch(`${server.url}/v1/images/generations`, order('a'));
    expect(other.status).toBe(401);
    const input = { prompt: 'a', num_outputs: 2 };
    const two = await fetch(predictions(), { ...order('a'), body: JSON.stringify({ input }) });
    expect(two.status).toBe(422);
    const body = JSON.stringify({ input: { prompt: 'a' }, webhook: 'https://example.com' });
    expect((await fetch(predictions(), { ...order('a'), body })).status).toBe(422);
  });
});

describe('the stock client', () => {
  test('pays for one image; the same payment again pays for nothing more', async () => {
    const payer = await chain.newPayer(DOLLAR);
    const before = await chain.balanceOf(payTo.address);
    let paid: Request | undefined;
    const { pay } = payingFetch(payer, (request) => {
      if (request.headers.has('payment-signature')) paid = request;
    });
    const answer = await pay(predictions(), order('a red circle'));
    expect(answer.status).toBe(201);
    const prediction = await read(answer);
    expect(prediction).toMatchObject({ status: 'succeeded', price: PRICE, cost: PRICE });
    const receipt = decodePaymentResponseHeader(answer.headers.get('payment-response') ?? '');
    expect(receipt).toMatchObject({ success: true, network: NETWORK });
    expect(receipt.payer?.toLowerCase()).toBe(payer.address.toLowerCase());
    const hash = receipt.transaction as `0x${string}`;
    expect((await chain.client.getTransactionReceipt({ hash })).status).toBe('success');
    expect((await fetch(prediction.output[0])).headers.get('content-type')).toBe('image/png');
    expect(await chain.balanceOf(payTo.address)).toBe(before + PRICE);
    expect(await chain.balanceOf(payer.address)).toBe(DOLLAR - PRICE);

    const asked = { ...facilitator.asked };
    const again = await fetch(paid as Request);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(await read(again)).toMatchObject({ id: prediction.id, status: 'succeeded' });
    const header = paid?.headers.get('payment-signature') ?? '';
    const other = await fetch(predictions(), order('another', { 'payment-signature': header }));
    expect(other.status).toBe(402);
    expect((await read(other)).error.code).toBe('payment_invalid');
    expect(facilitator.asked).toEqual(asked);
    expect(await chain.balanceOf(payTo.address)).toBe(before + PRICE);
  });

  test('sends one payment many times at once, and pays for one image', async () => {
    const payer = await chain.newPayer(DOLLAR);
    const requirement = await demanded('a red circle');
    const { payload } = await new ExactEvmScheme(payer).createPaymentPayload(2, requirement);
    const signed = { x402Version: 2 as const, accepted: requirement, payload };
    const header = encodePaymentSignatureHeader(signed);
    const settled = facilitator.asked.settle;
    const sent = order('a red circle', { 'payment-signature': header });
    const answers = await Promise.all(Array.from({ length: 5 }, () => fetch(predictions(), sent)));
    const made = await Promise.all(answers.map(read));
    expect(new Set(made.map(({ id }) => id)).size).toBe(1);
    for (const one of made) expect(one).toMatchObject({ status: 'succeeded', cost: PRICE });
    expect(facilitator.asked.settle).toBe(settled + 1);
    expect(await chain.balanceOf(payer.address)).toBe(DOLLAR - PRICE);

    // What an earlier order has is known by its name, whatever time and price have become since.
    const settings = X402SettingsSchema.parse({
      payTo: payTo.address,
      network: NETWORK,
      facilitatorUrl: facilitator.url,
      rpcUrl: chain.rpcUrl,
    });
    const desk = await createX402Desk({ settings, jobDeadlineSeconds: 3600 });
    const now = Date.now();
    const fresh = await desk.read(header, microUsd(PRICE), now);
    expect(fresh.ok).toBe(true);
    const late = await desk.read(header, microUsd(PRICE), now + 3700_000);
    const dearer = await desk.read(header, microUsd(2 * PRICE), now);
    for (const one of [late, dearer]) {
      expect(one).toMatchObject({ ok: false, reference: fresh.reference });
    }
  });

  test('follows its links without a key; nobody else does', async () => {
    const payer = await chain.newPayer(DOLLAR);
    const { pay } = payingFetch(payer);
    const created = await pay(predictions(), order('a blue square', { prefer: 'respond-async' }));
    const { id, urls } = await read(created);
    expect(created.headers.get('location')).toBe(urls.get);
    expect(new URL(urls.get).pathname).toMatch(new RegExp(`^/paid/${id}/`));
    const last = await expect
      .poll(() => fetch(urls.get).then(read), { timeout: 45_000 })
      .toMatchObject({ status: 'succeeded' })
      .then(() => fetch(urls.get));
    const receipt = decodePaymentResponseHeader(last.headers.get('payment-response') ?? '');
    expect(receipt.success).toBe(true);
    expect((await read(last)).output).toHaveLength(1);
    expect((await fetch(`${server.url}/paid/${id}/0.forged`)).status).toBe(404);
    expect((await fetch(`${server.url}/v1/predictions/${id}`)).status).toBe(401);
    const cancelled = await fetch(urls.cancel, { method: 'POST' });
    expect(await read(cancelled)).toMatchObject({ id, status: 'succeeded' });
  });

  test('gets one image as bytes', async () => {
    const { pay } = payingFetch(await chain.newPayer(DOLLAR));
    const answer = await pay(`${server.url}/v1/images`, {
      ...order(''),
      body: JSON.stringify({ prompt: 'a green star' }),
    });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('image/png');
    expect(answer.headers.get('payment-response')).toBeTruthy();
    expect((await answer.arrayBuffer()).byteLength).toBeGreaterThan(100);
  });

  test('of version 1 pays by its own header', async () => {
    const payer = await chain.newPayer(DOLLAR);
    const client = registerExactEvmScheme(new x402Client(), { signer: payer });
    const sent: string[] = [];
    const old: typeof fetch = async (input, init) => {
      const request = new Request(input, init);
      sent.push(...[...request.headers.keys()].filter((name) => name.includes('payment')));
      const answer = await fetch(request);
      // What a client that does not know version 2 sees.
      const headers = new Headers(answer.headers);
      headers.delete('payment-required');
      return new Response(answer.body, { status: answer.status, headers });
    };
    const answer = await wrapFetchWithPayment(old, client)(predictions(), order('a circle'));
    expect(sent).toEqual(['x-payment']);
    expect(await read(answer)).toMatchObject({ status: 'succeeded' });
    const receipt = decodePaymentResponseHeader(answer.headers.get('x-payment-response') ?? '');
    expect(receipt.success).toBe(true);
  });

  test('does not pay for a job that failed', async () => {
    const payer = await chain.newPayer(DOLLAR);
    const { pay } = payingFetch(payer);
    const settled = facilitator.asked.settle;
    const answer = await pay(predictions(), order('something forbidden'));
    expect(await read(answer)).toMatchObject({ status: 'failed', output: null, cost: 0 });
    expect(answer.headers.get('payment-response')).toBeNull();
    expect(facilitator.asked.settle).toBe(settled);
    expect(await chain.balanceOf(payer.address)).toBe(DOLLAR);
  });

  test('is refused where it pays too little', async () => {
    const { client, pay } = payingFetch(await chain.newPayer(DOLLAR));
    client.registerPolicy((_version, all) => all.map((one) => ({ ...one, amount: '1' })));
    const answer = await pay(predictions(), order('a red circle'));
    expect(answer.status).toBe(402);
    const { error } = await read(answer);
    expect(error).toMatchObject({ code: 'payment_invalid' });
    expect(answer.headers.get('payment-required')).toBeTruthy();
  });
});

describe('a payment', () => {
  const valid = (seconds: number) => (requirement: PaymentRequirements) => ({
    ...requirement,
    maxTimeoutSeconds: seconds,
  });

  test.for([
    ['of another amount', 'another amount', (r) => ({ ...r, amount: '1' })],
    ['of more than the price', 'another amount', (r) => ({ ...r, amount: '4001' })],
    ['that has expired', 'has expired', valid(-60)],
    ['that expires too soon', 'expires before it could be settled', valid(60)],
    ['for ever', 'valid for too long', valid(10 ** 9)],
    ['to somebody else', 'another address', (r) => ({ ...r, payTo: `0x${'1'.repeat(40)}` })],
    [
      'that is signed for another token',
      'its signature is wrong',
      (r) => ({ ...r, extra: { ...r.extra, name: 'Another' } }),
    ],
  ] satisfies [string, string, (requirement: PaymentRequirements) => PaymentRequirements][])(
    '%s is refused',
    async ([, why, signed]) => {
      const payer = await chain.newPayer(DOLLAR);
      const answer = await offer(payer, 'a red circle', signed);
      expect(answer.status).toBe(402);
      const { error } = await read(answer);
      expect(error).toMatchObject({ code: 'payment_invalid' });
      expect(error.message).toContain(why);
    },
  );

  test('of a wallet without money is refused', async () => {
    const answer = await offer(await chain.newPayer(PRICE - 1), 'a red circle', (r) => r);
    expect(answer.status).toBe(402);
    expect((await read(answer)).error.code).toBe('payment_invalid');
  });

  test.for(['', 'no base64!', btoa('{}'), btoa('null'), 'a'.repeat(20_000)])(
    'that is none is refused (%#)',
    async (header) => {
      const sent = order('a red circle', { 'payment-signature': header });
      const answer = await fetch(predictions(), sent);
      // The HTTP server itself takes no longer headers than 16 KB.
      expect(answer.status).toBe(header.length > 16_000 ? 431 : 402);
    },
  );

  test('whose wallet is emptied meanwhile leaves no image, and counts', async () => {
    const payer = await chain.newPayer(DOLLAR);
    const before = await chain.balanceOf(payTo.address);
    let link = '';
    const { pay } = payingFetch(payer);
    facilitator.beforeSettling = async () => {
      if ((await chain.balanceOf(payer.address)) > 0) await chain.empty(payer);
    };
    const answer = await pay(predictions(), order('a red circle'));
    expect(answer.status).toBe(402);
    const { error, prediction } = await read(answer);
    expect(error.code).toBe('payment_invalid');
    const receipt = decodePaymentResponseHeader(answer.headers.get('payment-response') ?? '');
    expect(receipt.success).toBe(false);
    expect(await chain.balanceOf(payTo.address)).toBe(before);
    expect(prediction).toMatch(/^[0-9a-z]{26}$/);

    // A second time, by its link; the third is not taken.
    await refill(payer);
    const created = await pay(predictions(), order('a square', { prefer: 'respond-async' }));
    link = (await read(created)).urls.get;
    await expect
      .poll(() => fetch(link).then(read), { timeout: 45_000 })
      .toMatchObject({ status: 'failed', output: null, error_code: 'payment_invalid' });
    await refill(payer);
    const third = await pay(predictions(), order('a star'));
    expect(third.status).toBe(429);
  });

  test('whose settlement has no answer is looked up by its nonce', async () => {
    const payer = await chain.newPayer(DOLLAR);
    const { pay } = payingFetch(payer);
    facilitator.losesAnswers = true;
    const asked = facilitator.asked.settle;
    const answer = await pay(predictions(), order('a red circle'));
    expect(await read(answer)).toMatchObject({ status: 'succeeded' });
    expect(facilitator.asked.settle).toBe(asked + 1);
    expect(await chain.balanceOf(payer.address)).toBe(DOLLAR - PRICE);
  });

  test('that a server left in the middle is taken up by the next one, and made once', async () => {
    const payer = await chain.newPayer(DOLLAR);
    const { pay } = payingFetch(payer);
    let release: () => void = () => undefined;
    const asked = new Promise<void>((resolve) => {
      facilitator.beforeSettling = () =>
        new Promise((goOn) => {
          release = goOn;
          resolve();
        });
    });
    const created = await pay(predictions(), order('a red circle', { prefer: 'respond-async' }));
    const { pathname } = new URL((await read(created)).urls.get);
    await asked;
    facilitator.losesAnswers = true;
    await server.close();
    release();
    await expect.poll(() => chain.balanceOf(payer.address)).toBe(DOLLAR - PRICE);
    server = await startServer();
    await expect
      .poll(() => fetch(server.url + pathname).then(read), { timeout: 45_000 })
      .toMatchObject({ status: 'succeeded', cost: PRICE });
    expect(await chain.balanceOf(payer.address)).toBe(DOLLAR - PRICE);
  });
});

/** Money for a wallet that was emptied, from a wallet of its own. */
async function refill(payer: PrivateKeyAccount): Promise<void> {
  await chain.mint(payer.address, DOLLAR);
}
