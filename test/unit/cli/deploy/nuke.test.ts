import { describe, expect, it } from 'vitest';
import { type NukeDeps, nuke } from '#functions/cli/deploy/nuke.ts';
import { parseSettings } from '#shared/deployment/settings.ts';

const MODELS = [{ name: 'a/one', digest: 'a'.repeat(64) }];
const dev = parseSettings({ 'onestep:models': MODELS });
const prod = parseSettings({ 'onestep:models': MODELS, 'onestep:stage': 'prod' });

function world(change: Partial<NukeDeps> = {}) {
  const steps: string[] = [];
  const deps: NukeDeps = {
    deregisterScaling: async (endpoint) => void steps.push(`scaling ${endpoint}`),
    deleteEndpoint: async (endpoint) => void steps.push(`endpoint ${endpoint}`),
    destroyStack: async (part) => void steps.push(`destroy ${part}`),
    abandonStack: async () => [],
    stackExists: async () => true,
    say: () => undefined,
    ...change,
  };
  return { deps, steps };
}

describe('nuke', () => {
  it('stops scaling, then the endpoint, then each stack before what it needs', async () => {
    const { deps, steps } = world();
    const { leftovers } = await nuke(deps, dev);
    expect(steps).toEqual([
      'scaling onestep-dev-a-one',
      'endpoint onestep-dev-a-one',
      'destroy operations',
      'destroy webhooks',
      'destroy api',
      'destroy gpu',
      'destroy edge',
      'destroy data',
    ]);
    expect(leftovers.join()).toMatch(/log groups.*onestep-dev-edge.*CDKToolkit/s);
  });

  it('leaves the edge function, and no stack, while CloudFront has copies of it', async () => {
    const abandoned: string[] = [];
    const { deps, steps } = world({
      abandonStack: async (name, region) => {
        abandoned.push(`${name} ${region}`);
        return ['onestep-dev-edge-EdgeFunction-1a2b'];
      },
      destroyStack: async (part) => {
        if (part === 'edge') throw new Error('replicated function');
        steps.push(part);
      },
    });
    const { leftovers } = await nuke(deps, dev);
    expect(steps.at(-1)).toBe('data');
    expect(abandoned).toEqual(['onestep-dev-edge us-east-1']);
    expect(leftovers[0]).toMatch(/delete-function.*onestep-dev-edge-EdgeFunction-1a2b/);
  });

  it('stops at any other failure, and passes over what is gone when it runs again', async () => {
    const broken = world({
      destroyStack: async () => {
        throw new Error('DELETE_FAILED');
      },
    });
    await expect(nuke(broken.deps, dev)).rejects.toThrow('DELETE_FAILED');
    const again = world({ stackExists: async (name) => name.endsWith('data') });
    await nuke(again.deps, dev);
    expect(again.steps.filter((step) => step.startsWith('destroy'))).toEqual(['destroy data']);
  });

  it('does not touch prod', async () => {
    const { deps, steps } = world();
    await expect(nuke(deps, prod)).rejects.toThrow(/prod is protected/);
    expect(steps).toEqual([]);
  });
});
