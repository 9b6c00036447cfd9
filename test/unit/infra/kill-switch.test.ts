import { describe, expect, it } from 'vitest';
import { loadKillSwitchConfig } from '#infra/handlers/kill-switch/config.ts';
import { pauseOrResume, type SwitchDeps } from '#infra/handlers/kill-switch/pause-or-resume.ts';

const config = loadKillSwitchConfig({
  API_FUNCTION_NAME: 'api',
  VARIANT_NAME: 'gpu',
  ENDPOINTS: JSON.stringify([
    { name: 'one', maxInstances: 3 },
    { name: 'two', maxInstances: 1 },
  ]),
});

function world(change: Partial<SwitchDeps> = {}) {
  const steps: string[] = [];
  const deps: SwitchDeps = {
    setMaxCapacity: async (endpoint, max) => void steps.push(`${endpoint} max ${max}`),
    setInstances: async (endpoint, count) => void steps.push(`${endpoint} now ${count}`),
    setPaused: async (name, paused) => void steps.push(`${name} paused ${paused}`),
    ...change,
  };
  return { deps, steps };
}

describe('kill switch', () => {
  it('turns new work away first, then takes every instance', async () => {
    const { deps, steps } = world();
    await pauseOrResume(deps, config, 'pause');
    expect(steps).toEqual(['api paused true', 'one max 0', 'one now 0', 'two max 0', 'two now 0']);
  });

  it('gives the capacity back before it lets work in', async () => {
    const { deps, steps } = world();
    await pauseOrResume(deps, config, 'resume');
    expect(steps).toEqual(['one max 3', 'two max 1', 'api paused false']);
  });

  it('goes on when one step fails, and says so', async () => {
    const { deps, steps } = world({
      setInstances: async () => {
        throw new Error('endpoint is Updating');
      },
    });
    const { problems } = await pauseOrResume(deps, config, 'pause');
    expect(steps).toContain('two max 0');
    expect(problems).toEqual(['one: endpoint is Updating', 'two: endpoint is Updating']);
  });
});
