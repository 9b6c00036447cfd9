import type { Clock } from '#shared/core/clock.ts';
import { AppError } from '#shared/core/errors.ts';
import type { AccountId } from '#shared/core/ids.ts';
import type { OutboxEntry } from '#shared/core/outbox.ts';
import type { Outbox } from '#shared/service/ports/outbox.ts';

export interface ResendDeps {
  readonly outbox: Pick<Outbox, 'get' | 'requeue' | 'getHealth'>;
  readonly clock: Clock;
}

/**
 * Makes an ended delivery due again under its old webhook id, so that a receiver which had it can
 * tell.
 *
 * @throws AppError `not-found` for another account's id, `conflict` while it is still being tried or
 *   while the receiver is disabled, or when its prediction was erased
 */
export async function resendWebhook(
  deps: ResendDeps,
  account: AccountId,
  id: string,
): Promise<OutboxEntry> {
  const entry = await deps.outbox.get(id);
  if (entry === undefined || entry.account !== account) {
    throw new AppError('not-found', `There is no webhook delivery ${id}.`);
  }
  if (entry.url === '') {
    throw new AppError(
      'conflict',
      `The prediction of webhook delivery ${id} was erased, and the address with it.`,
    );
  }
  const health = await deps.outbox.getHealth(account, entry.url);
  if (health?.disabledAt !== undefined) {
    throw new AppError('conflict', `${entry.url} is disabled; enable it before you resend.`);
  }
  if (entry.nextAttemptAt !== undefined) {
    throw new AppError(
      'conflict',
      `Webhook delivery ${id} is still being attempted automatically.`,
    );
  }
  const requeued = await deps.outbox.requeue(id, deps.clock.now());
  if (requeued === undefined) {
    throw new AppError(
      'conflict',
      `Webhook delivery ${id} is still being attempted automatically.`,
    );
  }
  return requeued;
}
