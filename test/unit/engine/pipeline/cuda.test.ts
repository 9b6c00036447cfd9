import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  assertCuda,
  explainCuda,
  hasCudaDevice,
  providerFolder,
} from '#shared/engine/pipeline/cuda.ts';

const folder = mkdtempSync(join(tmpdir(), 'onestep-cuda-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = (name: string): string => {
  const path = join(folder, name);
  writeFileSync(path, '');
  return path;
};

describe('what CUDA needs', () => {
  it('is a device: without one it says so, and what works instead', () => {
    const devices = [join(folder, 'none')];
    expect(hasCudaDevice(devices)).toBe(false);
    expect(() => assertCuda({ devices, providers: folder })).toThrow(/none.*--device cpu/s);
  });

  it('is both files of the provider: it names the one that is missing', () => {
    const devices = [file('nvidiactl')];
    const check = () => assertCuda({ devices, providers: folder });
    expect(check).toThrow('libonnxruntime_providers_shared.so is missing');
    file('libonnxruntime_providers_shared.so');
    expect(check).toThrow('libonnxruntime_providers_cuda.so is missing');
    file('libonnxruntime_providers_cuda.so');
    expect(check).not.toThrow();
  });

  it('looks for them beside the binding of the installed package', () => {
    expect(existsSync(join(providerFolder(), 'onnxruntime_binding.node'))).toBe(true);
  });

  it('is the libraries of CUDA and cuDNN: a failure to find them is explained', () => {
    const said = 'OrtSessionOptionsAppendExecutionProvider_Cuda: Failed to load shared library';
    expect(explainCuda(said)).toContain('LD_LIBRARY_PATH');
    expect(explainCuda('another failure')).toBe('another failure');
  });
});
