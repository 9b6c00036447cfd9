import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { AppError } from '#shared/core/errors.ts';

/** Device files of the driver: on Linux, and in Windows' subsystem for it. */
const DEVICE_FILES = ['/dev/nvidiactl', '/dev/dxg'];

/** What ONNX Runtime loads for a CUDA session; its npm package does not include them. */
const PROVIDER_FILES = [
  'libonnxruntime_providers_shared.so',
  'libonnxruntime_providers_cuda.so',
] as const;

/**
 * Environment of a process that runs the model on CUDA. With cuDNN 9.0 and later, ONNX Runtime 1.30
 * delegates attention to it; cuDNN builds a plan for every new shape and has none for some devices.
 * ONNX Runtime's own kernels need no plan, and attention is a few percent of an image's time.
 */
export const CUDA_ENVIRONMENT: Readonly<Record<string, string>> = {
  ORT_ENABLE_CUDNN_FLASH_ATTENTION: '0',
};

export const hasCudaDevice = (files: readonly string[] = DEVICE_FILES): boolean =>
  files.some((file) => existsSync(file));

/**
 * Checks for CUDA before minutes are spent on loading a model that could not run.
 *
 * @param found where to look for the device and the provider
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

/** ONNX Runtime's message about a failed CUDA session, with advice. */
export const explainCuda = (message: string): string =>
  /Failed to load shared library|cuDNN is unavailable/.test(message)
    ? `${message}. The libraries of CUDA 13 and cuDNN 9 must be on the loader's path, such as LD_LIBRARY_PATH; docs/gpu-machine.md lists them.`
    : message;

/** The folder of ONNX Runtime's binding, where it looks for its providers. */
export function providerFolder(): string {
  const entry = createRequire(import.meta.url).resolve('onnxruntime-node');
  return join(dirname(entry), '..', 'bin', 'napi-v6', process.platform, process.arch);
}
