import type { Clock } from '#shared/core/clock.ts';
import type { RandomBytes } from '#shared/core/ids.ts';
import { createAccountEraser } from '#shared/service/domain/account-deletion.ts';
import { createLoop } from '#shared/service/domain/loop.ts';
import { leastPrice } from '#shared/service/domain/offer.ts';
import { createAccountEvents } from '#shared/service/domain/webhooks/account-events.ts';
import type { Services } from '#shared/service/services.ts';
import type { DataFolder } from './open-local-service.ts';
import { createSteadyClock } from './steady-clock.ts';

const SWEEP_MS = 1000;
/** How often accounts' events are looked for. */
const TELL_MS = 5000;

export interface BackgroundLoopsDeps {
  readonly stores: DataFolder['stores'];
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
  readonly services: Services;
  /** Called when there are webhooks to send. */
  readonly onWebhooks: () => void;
  readonly onError: (error: unknown, what: string) => void;
}

/** What on AWS the sweep function does on its schedule: ends, expires, erases, and tells accounts of their events. */
export function startBackgroundLoops(deps: BackgroundLoopsDeps) {
  const { stores, clock, randomBytes, services, onError } = deps;
  const tellAccounts = createAccountEvents({
    ...stores,
    clock,
    randomBytes,
    get leastPrice() {
      return leastPrice(services.catalog, services.pricing);
    },
    onError,
  });
  const eraseAccounts = createAccountEraser({ ...stores, jobs: services.jobs, onError });
  const steady = createSteadyClock(
    clock,
    () => performance.now(),
    (ms) => onError(leapt(ms), 'sweep'),
  );
  const sweeping = createLoop(SWEEP_MS);
  sweeping.start(async () => {
    await services.sweep
      .sweep(clock.now(), steady.now())
      .catch((error: unknown) => onError(error, 'sweep'));
    await eraseAccounts(services.settlement, clock.now()).catch((error: unknown) =>
      onError(error, 'erasing accounts'),
    );
  });
  const telling = createLoop(TELL_MS);
  telling.start(async () => {
    const told = await tellAccounts().catch((error: unknown) => void onError(error, 'events'));
    if (told !== undefined && told.length > 0) deps.onWebhooks();
  });

  return {
    /** Resolves when what is under way has ended. */
    async stop(): Promise<void> {
      await Promise.all([sweeping.stop(), telling.stop()]);
    },
  };
}

function leapt(ms: number): Error {
  return new Error(
    `The clock leapt forward by ${Math.round(ms / 3_600_000)} hours: nothing is erased or expires by the ` +
      'new time until it has held for a day or the server starts again',
  );
}
