import type { PaymentPayload, SettleResponse } from '@x402/core/types';
import { AppError } from '#shared/core/errors.ts';
import type { JobPayment } from '#shared/core/payment.ts';
import type { X402Settings } from '#shared/core/x402-settings.ts';
import type { PaymentGateway, SettleAnswer } from '#shared/service/ports/payment-gateway.ts';
import { createChainReader } from './chain-reader.ts';
import { loadX402, type X402 } from './load-x402.ts';
import { isRefusal, sayWhy } from './reasons.ts';

/** A facilitator's code for a transfer that was sent and is not in a block yet. */
const PENDING = 'settlement_pending';
const FACILITATOR_TIMEOUT_MS = 30_000;

export interface X402GatewayDeps {
  readonly settings: X402Settings;
  /** Goes to the facilitator as a bearer token. */
  readonly facilitatorToken?: string | undefined;
}

/**
 * Moves payments by x402: the protocol by its own library, the transfers by a facilitator, their fate by
 * a node of the chain.
 *
 * @throws AppError `invalid-request` where the packages are not installed
 */
export async function openX402Gateway(deps: X402GatewayDeps) {
  const x402 = await loadX402();
  const server = createServer(x402, deps);
  const scheme = new x402.evm.ExactEvmScheme();
  server.register(deps.settings.network as `${string}:${string}`, scheme);
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

  const gateway: PaymentGateway = {
    ...createChainReader(x402, deps.settings.rpcUrl),

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
  return { x402, server, scheme, initialized, gateway };
}

function createServer({ server }: X402, { settings, facilitatorToken }: X402GatewayDeps) {
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

/** @throws Error where the facilitator does not know itself what will come of it */
function refusalOf({
  errorReason: code,
  errorMessage,
}: Pick<SettleResponse, 'errorReason' | 'errorMessage'>): SettleAnswer {
  if (code === PENDING) throw new Error(`The facilitator says ${code}: ${errorMessage ?? ''}`);
  return { kind: 'refused', reason: sayWhy(code), isSure: isRefusal(code) };
}

/** What the payer has signed, as the protocol's library takes it. */
export function payloadOf(payment: JobPayment): PaymentPayload {
  if (payment.signed === undefined) {
    throw new AppError('internal-error', 'the signature of an open payment is gone');
  }
  return JSON.parse(payment.signed) as PaymentPayload;
}

/** The answer while the facilitator gives none. */
export function unavailable(message: string, cause: unknown): AppError {
  return new AppError('unavailable', message, {
    cause,
    retryable: true,
    details: { retry_after: 5 },
  });
}
