import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { createRememberedReads } from '#shared/adapters/memory/remembered-reads.ts';
import type { Clock } from '#shared/core/clock.ts';
import { AppError } from '#shared/core/errors.ts';

/** Long enough to cost nothing, short enough that a rotation is over within minutes. */
const DEFAULT_TTL_MS = 5 * 60_000;

/**
 * Reads secrets by ARN or name, each at most once per `ttlMs`, however many ask. When a secret can't
 * be read again, the one known so far stays in use.
 */
export function createSecretReader(deps: {
  readonly client: SecretsManagerClient;
  readonly clock: Clock;
  readonly ttlMs?: number;
}): (id: string) => Promise<string> {
  const read = async (id: string): Promise<string> => {
    const answer = await deps.client.send(new GetSecretValueCommand({ SecretId: id }));
    if (answer.SecretString === undefined) {
      throw new AppError('internal-error', `The secret ${id} has no text`);
    }
    return answer.SecretString;
  };

  return createRememberedReads({
    read: (id, known) =>
      read(id).catch((error: unknown) => {
        if (known === undefined) throw error;
        return known;
      }),
    clock: deps.clock,
    ttlMs: deps.ttlMs ?? DEFAULT_TTL_MS,
  });
}
