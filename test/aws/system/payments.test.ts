import { decodePaymentRequiredHeader } from '@x402/core/http';
import { decodePaymentResponseHeader } from '@x402/fetch';
import type { PrivateKeyAccount } from 'viem';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { type Cloud, PRICE, startCloud } from '#test/helpers/cloud.ts';
import { createCloudSecret } from '#test/helpers/cloud-resources.ts';
import { type DemoPackage, importDemo } from '#test/helpers/demo-package.ts';
import { ungranted } from '#test/helpers/granted.ts';
import { allEntries, expectInvariant } from '#test/helpers/invariant.ts';
import { newId } from '#test/helpers/sample-jobs.ts';
import { synthesise } from '#test/helpers/synthesise.ts';
import { type Facilitator, startFacilitator } from '#test/payments/facilitator.ts';
import { type LocalChain, NETWORK, startLocalChain } from '#test/payments/local-chain.ts';
import { order, payingFetch, read } from '#test/payments/paying-client.ts';

const DOLLAR = 1_000_000;
const TOKEN = 'token-in-the-secret';

let chain: LocalChain;
let facilitator: Facilitator;
let demo: DemoPackage;
let cloud: Cloud;
let payTo: PrivateKeyAccount;
let x402: { readonly settings: Readonly<Record<string, unknown>>; readonly secretArn: string };

beforeAll(async () => {
  chain = await startLocalChain(inject('paymentTools'));
  facilitator = await startFacilitator(chain);
  payTo = await chain.newAccount();
  demo = await importDemo();
  const settings = {
    payTo: payTo.address,
    network: NETWORK,
    facilitatorUrl: facilitator.url,
    unpaidPerPayer: 2,
    unpaidPerAddress: 100,
  };
  // The address of the node is in the secret, as it is where it holds a key.
  const held = JSON.stringify({ facilitatorToken: TOKEN, rpcUrl: chain.rpcUrl });
  x402 = { settings, secretArn: await createCloudSecret(`x402-${newId()}`, held) };
  cloud = await startCloud({ ...demo, x402 });
}, 120_000);

beforeEach(() => {
  facilitator.beforeSettling = async () => undefined;
  facilitator.losesAnswers = false;
});

/** Registered first, so it runs last. */
afterAll(async () => {
  await cloud?.stop();
  await facilitator?.close();
  await chain?.stop();
  demo?.remove();
});

/** Chain and ledger agree, and the functions asked for nothing that they are not granted. */
afterAll(async () => {
  const { ledger } = cloud.system;
  await expectInvariant(ledger);
  let paid = 0;
  for (const { id, name } of await ledger.listAccounts()) {
    if (!name.startsWith('x402 ')) continue;
    const { granted, captured, balances, held } = await ledger.totals(id);
    expect([captured, balances, held]).toEqual([granted, 0, 0]);
    const kinds = (await allEntries(ledger, id)).map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === 'grant').length * PRICE).toBe(granted);
    paid += granted;
  }
  expect(paid).toBeGreaterThan(0);
  expect(paid).toBe(await chain.balanceOf(payTo.address));
  const { secretArn, settings } = x402;
  const deployed = synthesise({ 'onestep:x402': { ...settings, secretArn } });
  expect(ungranted(deployed, cloud.calls())).toEqual([]);
}, 120_000);

const predictions = () => `${cloud.url}/v1/predictions`;

describe('a deployment that sells without accounts', () => {
  it('tells the price to who has no credentials, and to nobody else', async () => {
    const answer = await fetch(predictions(), order('a house'));
    expect(answer.status).toBe(402);
    const demand = decodePaymentRequiredHeader(answer.headers.get('payment-required') ?? '');
    expect(demand.accepts).toMatchObject([{ payTo: payTo.address, amount: String(PRICE) }]);
    expect(facilitator.authorization).toBe(`Bearer ${TOKEN}`);
    const wrong = { authorization: 'Bearer os_live_wrong' };
    expect((await fetch(predictions(), order('a house', wrong))).status).toBe(401);
    expect((await fetch(predictions())).status).toBe(401);
    expect((await fetch(`${cloud.url}/v1/account`)).status).toBe(401);
    const { key } = await cloud.newCustomer(0);
    const poor = await fetch(predictions(), order('a house', { authorization: `Bearer ${key}` }));
    expect((await read(poor)).error.code).toBe('insufficient_funds');
  });

  it('is paid by the stock client once the image is there; a replay pays for nothing more', async () => {
    const payer = await chain.newPayer(DOLLAR);
    let paid: Request | undefined;
    const { pay } = payingFetch(payer, (request) => {
      if (request.headers.has('payment-signature')) paid = request;
    });
    const answer = await pay(predictions(), order('a house'));
    const prediction = await read(answer);
    expect(prediction).toMatchObject({ status: 'succeeded', cost: PRICE });
    const receipt = decodePaymentResponseHeader(answer.headers.get('payment-response') ?? '');
    expect(receipt).toMatchObject({ success: true, network: NETWORK });
    expect((await fetch(prediction.output[0])).headers.get('content-type')).toBe('image/png');
    expect(await chain.balanceOf(payer.address)).toBe(DOLLAR - PRICE);
    const asked = { ...facilitator.asked };
    const again = await fetch(paid as Request);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(await read(again)).toMatchObject({ id: prediction.id, status: 'succeeded' });
    expect(facilitator.asked).toEqual(asked);
  });

  it('leaves no image where the wallet is emptied in between', async () => {
    const payer = await chain.newPayer(DOLLAR);
    const { pay } = payingFetch(payer);
    facilitator.beforeSettling = () => chain.empty(payer);
    const answer = await pay(predictions(), order('a house'));
    expect(answer.status).toBe(402);
    expect((await read(answer)).error.code).toBe('payment_invalid');
    expect(await chain.balanceOf(payer.address)).toBe(0);
  });

  it('settles by the sweep what nobody asks for, and looks a lost answer up', async () => {
    const payer = await chain.newPayer(DOLLAR);
    const { pay } = payingFetch(payer);
    const asked = facilitator.asked.settle;
    facilitator.losesAnswers = true;
    const created = await pay(predictions(), order('a house', { prefer: 'respond-async' }));
    const { id, urls } = await read(created);
    expect(new URL(urls.get).pathname).toMatch(new RegExp(`^/paid/${id}/`));
    const stored = async () => cloud.system.jobs.get(id);
    await expect
      .poll(async () => (await stored())?.payment?.made?.images.length, { timeout: 60_000 })
      .toBe(1);
    expect(facilitator.asked.settle).toBe(asked);
    await cloud.sweep();
    expect(await stored()).toMatchObject({ status: 'succeeded', payment: { state: 'settled' } });
    expect(facilitator.asked.settle).toBe(asked + 1);
    expect(await chain.balanceOf(payer.address)).toBe(DOLLAR - PRICE);
    // The distribution has TLS, its stand-in none.
    const done = await fetch(urls.get.replace('https:', 'http:'));
    expect(done.headers.get('payment-response')).toBeTruthy();
    expect((await read(done)).output).toHaveLength(1);
    expect((await fetch(`${cloud.url}/paid/${id}/0.forged`)).status).toBe(404);
  });
});
