import { describe, expect, it } from 'vitest';
import { loadGpuConfig } from '#functions/gpu/config.ts';
import { chooseDevice } from '#functions/gpu/start-worker.ts';

describe('loadGpuConfig', () => {
  it('needs nothing inside the container', () => {
    expect(loadGpuConfig({}, ['serve'])).toMatchObject({
      MODEL_FOLDERS: ['/opt/ml/model'],
      PORT: 8080,
      DEVICE: 'cuda',
      ALLOW_CPU: false,
    });
  });

  it('takes several packages, and the permission for the CPU as a word', () => {
    const config = loadGpuConfig({ MODEL_FOLDERS: '/a:/b' }, ['serve', '--allow-cpu']);
    expect(config).toMatchObject({ MODEL_FOLDERS: ['/a', '/b'], ALLOW_CPU: true });
  });

  it('names every fault at once', () => {
    expect(() => loadGpuConfig({ PORT: 'x', DEVICE: 'tpu' }, [])).toThrow(
      /PORT.*DEVICE|DEVICE.*PORT/,
    );
  });
});

describe('chooseDevice', () => {
  it.each([
    ['cuda', false, true, 'cuda'],
    ['cpu', false, true, 'cpu'],
    ['cuda', true, false, 'cpu'],
  ] as const)(
    'wanting %s (CPU allowed: %s) with CUDA there: %s',
    (DEVICE, ALLOW_CPU, has, chosen) => {
      expect(chooseDevice({ DEVICE, ALLOW_CPU }, has)).toBe(chosen);
    },
  );

  it('refuses to replace CUDA unasked', () => {
    expect(() => chooseDevice({ DEVICE: 'cuda', ALLOW_CPU: false }, false)).toThrow('--allow-cpu');
  });
});
