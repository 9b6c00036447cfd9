import type { PaymentPayload, PaymentRequirements, SettleResponse } from '@x402/core/types';
import { AppError } from '#shared/core/errors.ts';
import type { MicroUsd } from '#shared/core/money.ts';
import type { JobPayment } from '#shared/core/payment.ts';
import type {
  OfferedPayment,
  PaymentDesk,
  SettleAnswer,
} from '#shared/service/ports/payment-gateway.ts';
import { createChainReader } from './chain-reader.ts';
import { loadX402, type X402 } from './load-x402.ts';
import { encodeHeader, parsePaymentHeader } from './payment-header.ts';
import { isRefusal, sayWhy } from './reasons.ts';
import { SETTLEMENT_SECONDS, type X402Settings } from './x402-settings.ts';

/** The least that a payment has to last, and how much longer than asked for its own clock may say. */
const LEAST_SECONDS = SETTLEMENT_SECONDS;
const CLOCK_SLACK_SECONDS = 60;
/** A facilitator's code for a transfer that was sent and is not in a block yet. */
const PENDING = 'settlement_pending';
const FACILITATOR_TIMEOUT_MS = 30_000;

export interface X402DeskDeps {
  readonly settings: X402Settings;
  /** How long a job may take. */
  readonly jobDeadlineSeconds: number;
  /** Goes to the facilitator as a bearer token. */
  readonly facilitatorToken?: string | undefined;
}

/**
 * Payments by x402: the protocol by its own library, the transfers by a facilitator, their fate by a
 * node of the chain.
 *
 * @throws AppError `invalid-request` where the packages are not installed, or the token is not known
 */
export async function createX402Desk(deps: X402DeskDeps): Promise<PaymentDesk> {
  const { settings, jobDeadlineSeconds } = deps;
  const x402 = await loadX402();
  const server = createServer(x402, deps);
  const scheme = new x402.evm.ExactEvmScheme();
  const asset = await knownAsset(scheme, settings);
  const chain = createChainReader(x402, settings.rpcUrl);
  const names = Object.entries(x402.names.EVM_NETWORK_CHAIN_ID_MAP);
  const oldName = names.find(([, id]) => settings.network === `eip155:${id}`)?.[0];
  server.register(settings.network as `${string}:${string}`, scheme);
  let supported: Promise<void> | undefined;

  /** What the facilitator takes, asked once; after a failure, again. */
  const initialized = async (): Promise<void> => {
    supported ??= server.initialize();
    try {
      await supported;
    } catch (cause) {
      supported = undefined;
      throw unavailable('The payment service does not answer. Try again later.', cause);
    }
  };

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
    ...chain,

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
      const refuse = (problem: string): OfferedPayment => ({ ok: false, problem });
      const offered = parsePaymentHeader(header);
      if (offered === undefined) {
        return refuse('The payment header is no signed transfer (EIP-3009) of x402.');
      }
      const requirement = await requirementOf(price);
      if (offered.x402Version === 1 && offered.network !== oldName) {
        return refuse(`The payment is for another network than ${settings.network}.`);
      }
      const accepted = offered.x402Version === 1 ? requirement : offered.accepted;
      const payload = { x402Version: 2, accepted, payload: offered.payload };
      if (server.findMatchingRequirements([requirement], payload) === undefined) {
        return refuse('The payment is not for what this order asks for.');
      }
      const { from, to, value, validAfter, validBefore, nonce } = offered.payload.authorization;
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
        state: 'verified',
        network: settings.network,
        asset: requirement.asset.toLowerCase(),
        payTo: to.toLowerCase(),
        payer: from.toLowerCase(),
        nonce: nonce.toLowerCase(),
        amount: price,
        validBefore: Number(validBefore),
        signed: JSON.stringify({ ...payload, accepted: requirement }),
        attempts: 0,
      };
      return { ok: true, payment };
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

    async settle(payment): Promise<SettleAnswer> {
      const payload = payloadOf(payment);
      await initialized();
      try {
        const answer = await server.settlePayment(payload, payload.accepted);
        if (answer.success) return { kind: 'settled', transaction: answer.transaction };
        return refusalOf(answer);
      } catch (error) {
        if (error instanceof x402.types.SettleError) return refusalOf(error);
        throw error;
      }
    },
  };
}

function createServer({ server }: X402, { settings, facilitatorToken }: X402DeskDeps) {
  const headers = { Authorization: `Bearer ${facilitatorToken}` };
  const facilitator = new server.HTTPFacilitatorClient({
    url: settings.facilitatorUrl,
    timeoutMs: FACILITATOR_TIMEOUT_MS,
    ...(facilitatorToken !== undefined && {
      createAuthHeaders: async () => ({ verify: headers, settle: headers, supported: headers }),
    }),
  });
  return new server.x402ResourceServer(facilitator);
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

/** @throws Error where the facilitator does not know itself what will come of it */
function refusalOf({
  errorReason: code,
  errorMessage,
}: Pick<SettleResponse, 'errorReason' | 'errorMessage'>): SettleAnswer {
  if (code === PENDING) throw new Error(`The facilitator says ${code}: ${errorMessage ?? ''}`);
  return { kind: 'refused', reason: sayWhy(code), isSure: isRefusal(code) };
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

function payloadOf(payment: JobPayment): PaymentPayload {
  if (payment.signed === undefined) {
    throw new AppError('internal-error', 'the signature of an open payment is gone');
  }
  return JSON.parse(payment.signed) as PaymentPayload;
}

function unavailable(message: string, cause: unknown): AppError {
  return new AppError('unavailable', message, {
    cause,
    retryable: true,
    details: { retry_after: 5 },
  });
}
