import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { AppError } from '#shared/core/errors.ts';

/** What a driver shows of itself: on Linux, and inside Windows' subsystem for it. */
const DEVICE_FILES = ['/dev/nvidiactl', '/dev/dxg'];

/** What ONNX Runtime loads when a session asks for CUDA; its npm package comes without. */
const PROVIDER_FILES = [
  'libonnxruntime_providers_shared.so',
  'libonnxruntime_providers_cuda.so',
] as const;

/**
 * Environment of a process that runs the model on CUDA. From 9.0 on, ONNX Runtime 1.30 hands
 * attention to cuDNN, which builds a plan for each shape when it first meets it, and has none for
 * some devices; its own kernels need neither, and attention is a few percent of an image's time.
 */
export const CUDA_ENVIRONMENT: Readonly<Record<string, string>> = {
  ORT_ENABLE_CUDNN_FLASH_ATTENTION: '0',
};

export const hasCudaDevice = (files: readonly string[] = DEVICE_FILES): boolean =>
  files.some((file) => existsSync(file));

/**
 * Says what is missing before minutes are spent on a model that could not run.
 *
 * @param found where the device and the provider are looked for
 * @throws AppError `unavailable` naming what is missing
 */
export function assertCuda({
  devices = DEVICE_FILES,
  providers = providerFolder(),
}: {
  readonly devices?: readonly string[];
  readonly providers?: string;
} = {}): void {
  if (!hasCudaDevice(devices)) {
    throw new AppError(
      'unavailable',
      `There is no CUDA device here: ${devices.join(' and ')} are missing. "--device cpu" works everywhere, many times slower.`,
    );
  }
  for (const file of PROVIDER_FILES) {
    if (existsSync(join(providers, file))) continue;
    throw new AppError(
      'unavailable',
      `ONNX Runtime's CUDA provider is not installed: ${join(providers, file)} is missing. docs/gpu-machine.md says where to get it.`,
    );
  }
}

/** What a failure to make a CUDA session means, beyond what ONNX Runtime says. */
export const explainCuda = (message: string): string =>
  /Failed to load shared library|cuDNN is unavailable/.test(message)
    ? `${message}. The libraries of CUDA 13 and cuDNN 9 must lie where the loader looks, such as in LD_LIBRARY_PATH; docs/gpu-machine.md lists them.`
    : message;

/** The folder of ONNX Runtime's binding, beside which it looks for its providers. */
export function providerFolder(): string {
  const entry = createRequire(import.meta.url).resolve('onnxruntime-node');
  return join(dirname(entry), '..', 'bin', 'napi-v6', process.platform, process.arch);
}
