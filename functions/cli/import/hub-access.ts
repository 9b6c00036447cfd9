import { AppError } from '#shared/core/errors.ts';
import type { HubAccess } from '#shared/engine/hub/hub-repository.ts';

const HUB_URL = 'https://huggingface.co';
const RETRY_DELAY_MS = 1000;
const STALL_MS = 60_000;

/**
 * How the environment says that the hub is reached.
 *
 * @throws AppError `unauthenticated` for a token that is not the hub's
 */
export function hubAccess(env: NodeJS.ProcessEnv, signal: AbortSignal): HubAccess {
  const accessToken = env['HF_TOKEN'] || undefined;
  if (accessToken !== undefined && !accessToken.startsWith('hf_')) {
    throw new AppError(
      'unauthenticated',
      'HF_TOKEN is not a token of the hub: those begin with hf_.',
    );
  }
  return {
    hubUrl: (env['HF_ENDPOINT'] || HUB_URL).replace(/\/+$/, ''),
    accessToken,
    fetch,
    retryDelayMs: RETRY_DELAY_MS,
    stallMs: STALL_MS,
    signal,
  };
}
