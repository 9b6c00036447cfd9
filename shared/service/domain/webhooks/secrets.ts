import { AppError } from '#shared/core/errors.ts';
import type { AccountId, RandomBytes } from '#shared/core/ids.ts';
import type { Outbox, WebhookSettings } from '#shared/service/ports/outbox.ts';

/** Standard Webhooks asks for 24 to 64 random bytes. */
const SECRET_BYTES = 32;
/** How often a change is tried when the same settings are being changed elsewhere. */
const MAX_TRIES = 5;

export interface SecretDeps {
  readonly outbox: Pick<Outbox, 'getSettings' | 'putSettings'>;
  readonly randomBytes: RandomBytes;
}

/** `whsec_` and standard base64: clients split the secret at `_`, so base64url would break them. */
function createWebhookSecret(randomBytes: RandomBytes): string {
  return `whsec_${btoa(String.fromCharCode(...randomBytes(SECRET_BYTES)))}`;
}

/** The secrets that sign now, the newest first. The account gets its first one here. */
export async function webhookSecrets(
  deps: SecretDeps,
  account: AccountId,
  now: number,
): Promise<readonly string[]> {
  const known = activeSecrets(await deps.outbox.getSettings(account), now);
  if (known.length > 0) return known;
  return activeSecrets(
    await change(deps, account, (settings) =>
      activeSecrets(settings, now).length > 0
        ? (settings?.secrets ?? [])
        : [{ secret: createWebhookSecret(deps.randomBytes) }],
    ),
    now,
  );
}

/**
 * Makes a new secret the account's first. The one before signs beside it for `overlapMs`; older ones
 * stop at once, so that never more than two are in use.
 *
 * @returns the new secret
 */
export async function rotateWebhookSecret(
  deps: SecretDeps,
  account: AccountId,
  options: { readonly now: number; readonly overlapMs: number },
): Promise<string> {
  const fresh = createWebhookSecret(deps.randomBytes);
  const expiresAt = options.now + options.overlapMs;
  await change(deps, account, (settings) => {
    const previous = activeSecrets(settings, options.now)[0];
    return previous === undefined || options.overlapMs <= 0
      ? [{ secret: fresh }]
      : [{ secret: fresh }, { secret: previous, expiresAt }];
  });
  return fresh;
}

function activeSecrets(settings: WebhookSettings | undefined, now: number): readonly string[] {
  return (settings?.secrets ?? [])
    .filter(({ expiresAt }) => expiresAt === undefined || expiresAt > now)
    .map(({ secret }) => secret);
}

async function change(
  deps: SecretDeps,
  account: AccountId,
  next: (settings: WebhookSettings | undefined) => WebhookSettings['secrets'],
): Promise<WebhookSettings> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const current = await deps.outbox.getSettings(account);
    const settings: WebhookSettings = { account, secrets: next(current) };
    if (await deps.outbox.putSettings(settings, current)) return settings;
  }
  throw new AppError('conflict', 'The webhook secrets are being changed by others; try again.', {
    retryable: true,
  });
}
