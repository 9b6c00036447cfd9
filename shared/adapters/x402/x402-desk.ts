import type { PaymentRequirements } from '@x402/core/types';
import { AppError } from '#shared/core/errors.ts';
import type { MicroUsd } from '#shared/core/money.ts';
import { type JobPayment, paymentReference } from '#shared/core/payment.ts';
import { SETTLEMENT_SECONDS, type X402Settings } from '#shared/core/x402-settings.ts';
import type { OfferedPayment, PaymentDesk } from '#shared/service/ports/payment-gateway.ts';
import type { X402 } from './load-x402.ts';
import { encodeHeader, parsePaymentHeader } from './payment-header.ts';
import { sayWhy } from './reasons.ts';
import { openX402Gateway, payloadOf, unavailable, type X402GatewayDeps } from './x402-gateway.ts';

/** The least that a payment has to last, and how much longer than asked for its own clock may say. */
const LEAST_SECONDS = SETTLEMENT_SECONDS;
const CLOCK_SLACK_SECONDS = 60;

export interface X402DeskDeps extends X402GatewayDeps {
  /** How long a job may take. */
  readonly jobDeadlineSeconds: number;
}

/**
 * The counter of payments by x402: says what to pay, and judges what is offered.
 *
 * @throws AppError `invalid-request` where the packages are not installed, or the token is not known
 */
export async function createX402Desk(deps: X402DeskDeps): Promise<PaymentDesk> {
  const { settings, jobDeadlineSeconds } = deps;
  const { x402, server, scheme, initialized, gateway } = await openX402Gateway(deps);
  const asset = await knownAsset(scheme, settings);
  const names = Object.entries(x402.names.EVM_NETWORK_CHAIN_ID_MAP);
  const oldName = names.find(([, id]) => settings.network === `eip155:${id}`)?.[0];

  const requirementOf = async (price: MicroUsd): Promise<PaymentRequirements> => {
    await initialized();
    const [requirement] = await server.buildPaymentRequirements({
      scheme: 'exact',
      network: settings.network as `${string}:${string}`,
      payTo: settings.payTo,
      price: { ...asset, amount: String(price) },
      maxTimeoutSeconds: jobDeadlineSeconds + SETTLEMENT_SECONDS,
    });
    if (requirement === undefined) throw new AppError('internal-error', 'x402 asks for nothing');
    return requirement;
  };

  return {
    ...gateway,

    async demand(price, resource, problem) {
      const requirement = await requirementOf(price);
      const sold = { ...resource, mimeType: 'application/json' };
      const demand = await server.createPaymentRequiredResponse([requirement], sold, problem);
      return {
        header: encodeHeader(demand),
        body: oldName === undefined ? {} : oldDemand(requirement, oldName, resource),
      };
    },

    async read(header, price, now): Promise<OfferedPayment> {
      const offered = parsePaymentHeader(header);
      if (offered === undefined) {
        const problem = 'The payment header is no signed transfer (EIP-3009) of x402.';
        return { ok: false, problem };
      }
      const requirement = await requirementOf(price);
      const { from, to, value, validAfter, validBefore, nonce } = offered.payload.authorization;
      const name = {
        network: settings.network,
        asset: requirement.asset.toLowerCase(),
        payer: from.toLowerCase(),
        nonce: nonce.toLowerCase(),
      };
      const reference = paymentReference(name);
      const refuse = (problem: string): OfferedPayment => ({ ok: false, problem, reference });
      if (offered.x402Version === 1 && offered.network !== oldName) {
        return refuse(`The payment is for another network than ${settings.network}.`);
      }
      const accepted = offered.x402Version === 1 ? requirement : offered.accepted;
      const payload = { x402Version: 2, accepted, payload: offered.payload };
      if (server.findMatchingRequirements([requirement], payload) === undefined) {
        return refuse('The payment is not for what this order asks for.');
      }
      const seconds = now / 1000;
      const longest = seconds + requirement.maxTimeoutSeconds + CLOCK_SLACK_SECONDS;
      if (to.toLowerCase() !== settings.payTo.toLowerCase()) {
        return refuse('The payment goes to another address.');
      }
      if (value !== requirement.amount) return refuse('The payment is of another amount.');
      if (Number(validAfter) > seconds) return refuse('The payment is not valid yet.');
      if (Number(validBefore) <= seconds) return refuse('The payment has expired.');
      if (Number(validBefore) < seconds + LEAST_SECONDS) {
        return refuse('The payment expires before it could be settled.');
      }
      if (Number(validBefore) > longest) return refuse('The payment is valid for too long.');
      const payment: JobPayment = {
        ...name,
        state: 'verified',
        payTo: to.toLowerCase(),
        amount: price,
        validBefore: Number(validBefore),
        signed: JSON.stringify({ ...payload, accepted: requirement }),
        attempts: 0,
      };
      return { ok: true, payment, reference };
    },

    async verify(payment) {
      const payload = payloadOf(payment);
      await initialized();
      try {
        const { isValid, invalidReason } = await server.verifyPayment(payload, payload.accepted);
        return isValid ? undefined : sayWhy(invalidReason);
      } catch (error) {
        if (error instanceof x402.types.VerifyError && error.statusCode < 500) {
          return sayWhy(error.invalidReason);
        }
        throw unavailable('The payment could not be verified. Try again later.', error);
      }
    },
  };
}

/** The token that is paid with: the configured one, or the network's own. */
async function knownAsset(
  scheme: InstanceType<X402['evm']['ExactEvmScheme']>,
  { asset, network }: X402Settings,
): Promise<{ readonly asset: string; readonly extra: Record<string, unknown> }> {
  if (asset !== undefined) {
    const { address, name, version } = asset;
    return { asset: address, extra: { name, version } };
  }
  try {
    const one = await scheme.parsePrice('1', network as `${string}:${string}`);
    // Prices are in millionths of a dollar, and so have to be the token's units.
    if (one.amount !== '1000000') throw new Error(`its token has not six decimals`);
    return { asset: one.asset, extra: one.extra ?? {} };
  } catch (cause) {
    throw new AppError(
      'invalid-request',
      `x402.asset is missing: the dollar token of ${network} is not known here, or has not six decimals.`,
      { cause },
    );
  }
}

/** What clients of version 1 read from the body. */
function oldDemand(
  requirement: PaymentRequirements,
  network: string,
  { url, description }: { readonly url: string; readonly description: string },
): Record<string, unknown> {
  const { amount, network: _, ...rest } = requirement;
  const accepts = [
    {
      ...rest,
      network,
      maxAmountRequired: amount,
      resource: url,
      description,
      mimeType: 'application/json',
    },
  ];
  return { x402Version: 1, accepts };
}
