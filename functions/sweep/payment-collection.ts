import type { AwsSystem } from '#shared/adapters/aws/aws-system.ts';
import { createSecretBound } from '#shared/adapters/aws/secret-bound.ts';
import { deployedGateway, readX402Secret } from '#shared/adapters/x402/deployed-x402.ts';
import { openX402Gateway } from '#shared/adapters/x402/x402-gateway.ts';
import { createBackgroundCollection } from '#shared/service/domain/payments/collect-in-background.ts';
import type { SweepConfig } from './config.ts';

/** Settled at one time: each waits for a facilitator, and nobody else asks for most of them. */
const AT_ONCE = 50;
/** How long a sweep waits for them at its end; with the rest of it, less than its own timeout. */
const WAIT_MS = 30_000;

/**
 * Settles the payments that no request has settled: nobody asked for the image, or the function was cut
 * off. The packages are loaded with the first of them.
 */
export function createPaymentCollection(
  config: SweepConfig,
  deps: {
    readonly createCollector: AwsSystem['createCollector'];
    readonly readSecret: (id: string) => Promise<string>;
    readonly sleep: (ms: number) => Promise<void>;
    readonly onError: (error: unknown, what: string) => void;
  },
) {
  const collector = createSecretBound({
    read: () => readX402Secret(config, deps.readSecret),
    make: async (secret) => {
      const { gateway } = await openX402Gateway(deployedGateway(config, secret));
      return deps.createCollector(gateway);
    },
    onError: deps.onError,
  });
  const collection = createBackgroundCollection(
    async (id) => (await collector()).collect(id),
    deps.onError,
    AT_ONCE,
  );
  return {
    collect: collection.collect,
    /** Waits for what was begun, for a while: the next sweep takes up the rest. */
    settled: () => Promise.race([collection.settled(), deps.sleep(WAIT_MS)]),
  };
}
