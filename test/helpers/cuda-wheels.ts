import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { installDebian } from './install-debian.ts';

/** Wheels of a few kilobytes, as pip takes them. */
export interface CudaWheels {
  /** For pip's settings: it finds these wheels, and asks no index. */
  readonly env: NodeJS.ProcessEnv;
  /** The SHA-256 of ONNX Runtime's. */
  readonly onnxruntimeSha256: string;
}

interface Wheel {
  readonly name: string;
  readonly version: string;
  readonly libraries: readonly string[];
}

/** Each library by its path in the real wheel; the loader looks for it by its last part. */
const LIBRARIES: readonly Wheel[] = [
  {
    name: 'nvidia_cuda_runtime',
    version: '13.0.96',
    libraries: ['nvidia/cu13/lib/libcudart.so.13'],
  },
  {
    name: 'nvidia_cuda_nvrtc',
    version: '13.0.88',
    libraries: ['nvidia/cu13/lib/libnvrtc.so.13'],
  },
  {
    name: 'nvidia_cublas',
    version: '13.1.1.3',
    libraries: ['nvidia/cu13/lib/libcublas.so.13', 'nvidia/cu13/lib/libcublasLt.so.13'],
  },
  {
    name: 'nvidia_curand',
    version: '10.4.0.35',
    libraries: ['nvidia/cu13/lib/libcurand.so.10'],
  },
  {
    name: 'nvidia_cudnn_cu13',
    version: '9.24.0.43',
    libraries: ['nvidia/cudnn/lib/libcudnn.so.9'],
  },
];

/** What ONNX Runtime's provider is linked with; it opens the others by name. */
const LINKED = ['libcudart.so.13', 'libcublas.so.13', 'libcublasLt.so.13', 'libcurand.so.10'];
const TAG = 'py3-none-manylinux_2_28_x86_64';
const PROVIDERS = 'onnxruntime/capi/libonnxruntime_providers_';

/**
 * Makes stand-ins for the wheels of ONNX Runtime and CUDA, which are gigabytes: shared libraries without
 * a function, each under its own name and linked as the real ones are. They show that files get to
 * where the loader finds them. They can't show that those of these versions work with one another.
 */
export async function makeCudaWheels(folder: string): Promise<CudaWheels> {
  await installDebian({ cc: 'gcc' });
  const built = join(folder, 'libraries');
  const wheels = join(folder, 'wheels');
  mkdirSync(built, { recursive: true });
  mkdirSync(wheels);
  const library = (folder: string, path: string, linked: readonly string[] = []) => {
    const name = path.split('/').at(-1) ?? '';
    const links = ['-Wl,--no-as-needed', `-L${built}`, ...linked.map((one) => `-l:${one}`)];
    const words = ['-shared', '-nostdlib', `-Wl,-soname,${name}`, '-o', join(built, name)];
    execFileSync('cc', [...words, '-x', 'c', '/dev/null', '-x', 'none', ...links]);
    cpSync(join(built, name), join(folder, path));
  };
  const write = ({ name, version, libraries }: Wheel, linked?: readonly string[]) => {
    const content = join(folder, name);
    const about = `${name}-${version}.dist-info`;
    mkdirSync(join(content, about), { recursive: true });
    for (const path of libraries) library(content, path, linked);
    const description = (file: string, text: string) =>
      writeFileSync(join(content, about, file), text);
    description('METADATA', `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n`);
    description('WHEEL', `Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: ${TAG}\n`);
    description('RECORD', '');
    const wheel = join(wheels, `${name}-${version}-${TAG}.whl`);
    execFileSync('python3', ['-m', 'zipfile', '-c', wheel, ...readdirSync(content)], {
      cwd: content,
    });
    return createHash('sha256').update(readFileSync(wheel)).digest('hex');
  };
  for (const wheel of LIBRARIES) write(wheel);
  const libraries = ['shared', 'cuda'].map((name) => `${PROVIDERS}${name}.so`);
  const onnxruntime = { name: 'onnxruntime_gpu', version: '1.30.0', libraries };
  const onnxruntimeSha256 = write(onnxruntime, LINKED);
  return { env: { PIP_NO_INDEX: '1', PIP_FIND_LINKS: wheels }, onnxruntimeSha256 };
}
