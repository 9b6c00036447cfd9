import type { KillSwitchConfig } from './config.ts';

/** What the switch changes: each call may be repeated. */
export interface SwitchDeps {
  /** The most instances that scaling may start for an endpoint. */
  readonly setMaxCapacity: (endpoint: string, max: number) => Promise<void>;
  /** How many instances an endpoint should have now; fails while it is being updated. */
  readonly setInstances: (endpoint: string, count: number) => Promise<void>;
  /** Whether the API answers creates with 503. */
  readonly setPaused: (functionName: string, paused: boolean) => Promise<void>;
}

export type SwitchAction = 'pause' | 'resume';

export interface SwitchResult {
  readonly action: SwitchAction;
  /** What did not work, with its reason; the rest was done. */
  readonly problems: readonly string[];
}

/**
 * `pause`: no new jobs and no instances, even with jobs in the queues. `resume`: as deployed. A failed
 * step does not keep the others from running: half a stop is better than none.
 */
export async function pauseOrResume(
  deps: SwitchDeps,
  config: KillSwitchConfig,
  action: SwitchAction,
): Promise<SwitchResult> {
  const problems: string[] = [];
  const attempt = async (what: string, step: () => Promise<void>) => {
    try {
      await step();
    } catch (error) {
      problems.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  // New work is turned away before the instances go, and let in after they may come.
  const turnApi = () =>
    attempt(config.API_FUNCTION_NAME, () =>
      deps.setPaused(config.API_FUNCTION_NAME, action === 'pause'),
    );
  if (action === 'pause') await turnApi();
  for (const endpoint of config.ENDPOINTS) {
    const max = action === 'pause' ? 0 : endpoint.maxInstances;
    await attempt(endpoint.name, () => deps.setMaxCapacity(endpoint.name, max));
    if (action === 'pause') await attempt(endpoint.name, () => deps.setInstances(endpoint.name, 0));
  }
  if (action === 'resume') await turnApi();
  return { action, problems };
}
