import { describe, expect, it } from 'vitest';
import { INFERENCE_AMI } from '#infra/gpu/async-endpoint.ts';
import { entrypointOf, readDockerfile } from '#test/helpers/dockerfile.ts';
import { readFromRoot } from '#test/helpers/root.ts';

const PATH = 'functions/gpu/Dockerfile';
const text = readFromRoot(PATH);
const stages = readDockerfile(PATH);
const last = stages.at(-1);

/** The CUDA that an AMI's driver runs, by AWS's list of inference AMI versions. */
const CUDA_OF_AMI: Readonly<Record<string, string>> = {
  'al2-ami-sagemaker-inference-gpu-3-1': '12.4',
  'al2023-ami-sagemaker-inference-gpu-4-1': '13.0',
};

describe('the GPU image', () => {
  it('has one CUDA in host image, base image and providers, and one ONNX Runtime in both packages', () => {
    const base = /ARG CUDA_IMAGE=nvidia\/cuda:(\d+\.\d+)\.\d+-cudnn-runtime-/.exec(text)?.[1];
    expect(base).toBe(CUDA_OF_AMI[INFERENCE_AMI]);
    const [, from] = /ARG CUDA_IMAGE=(nvidia\/cuda:\S+)-cudnn-runtime-/.exec(text) ?? [];
    expect(text).toContain(`ARG CUDA_BASE_IMAGE=${from}-base-`);
    const wheel = /onnxruntime-gpu==(\S+) --hash=sha256:([0-9a-f]{64})/.exec(text);
    const { dependencies } = JSON.parse(readFromRoot('package.json'));
    expect(wheel?.[1]).toBe(dependencies['onnxruntime-node']);
    // Wheels from 1.27 on are for CUDA 13; this one's provider asks for libcudart.so.13.
    expect(Number(wheel?.[1]?.split('.')[1])).toBeGreaterThanOrEqual(27);
    expect(base).toMatch(/^13\./);
  });

  it('shares its providers with what is packed for a GPU machine', () => {
    const pattern = /grep -o '([^']+)' "\$root\/functions\/gpu\/Dockerfile"/.exec(
      readFromRoot('functions/gpu/machine/pack.sh'),
    )?.[1];
    const lines = text.match(new RegExp(pattern ?? '$^', 'g'));
    expect(lines).toEqual([
      expect.stringMatching(/^onnxruntime-gpu==\S+ --hash=sha256:[0-9a-f]{64}$/),
    ]);
  });

  it('holds the libraries of CUDA that a GPU machine was measured with, and no others', () => {
    const pack = readFromRoot('functions/gpu/machine/pack.sh');
    const packed = [...pack.matchAll(/nvidia-(?:cuda-)?([a-z]+)(?:-cu13)?==/g)].map(
      ([, name]) => name,
    );
    const [, kept = ''] = /ARG CUDA_LIBRARIES="([^"]+)"/.exec(text) ?? [];
    const names = kept.split(' ').map((name) => name.replace('cudart', 'runtime').slice(3));
    expect(names.sort()).toEqual([...new Set(packed)].sort());
  });

  it('is as SageMaker wants it: root, exec entrypoint without an init, port 8080', () => {
    const inImage = last?.instructions.map(({ keyword }) => keyword);
    expect(inImage).not.toContain('USER');
    expect(inImage).not.toContain('CMD');
    expect(entrypointOf(stages)[0]).toBe('node');
    expect(text).not.toMatch(/tini|dumb-init/);
    expect(last?.instructions).toContainEqual({ keyword: 'EXPOSE', words: '8080' });
  });

  it('holds no weights, no other function and no development package', () => {
    const copied = stages
      .filter((stage) => stage === last || stage.name === 'app')
      .flatMap(({ instructions }) =>
        instructions.filter(({ keyword }) => keyword === 'COPY').map(({ words }) => words),
      );
    expect(copied.join()).not.toMatch(/models|\.onnx|safetensors|functions \./);
    expect(text).toContain('npm ci --omit=dev');
    const ignored = readFromRoot(`${PATH}.dockerignore`).split('\n');
    expect(ignored[0]).toBe('*');
    expect(ignored).toContain('models/*');
  });

  it('has the whole service as another target, for a machine without a GPU', () => {
    const cpu = stages.find(({ name }) => name === 'cpu');
    const words = (keyword: string) =>
      cpu?.instructions.filter((one) => one.keyword === keyword).map((one) => one.words) ?? [];
    expect(cpu?.base).toBe('app');
    expect(JSON.stringify(cpu)).not.toMatch(/cuda|providers|amd64/i);
    expect(words('USER')).toEqual(['node']);
    const [entry = '', command = ''] = [...words('ENTRYPOINT'), ...words('CMD')];
    expect(JSON.parse(entry)).toEqual(['node', 'functions/cli/launch.mjs']);
    expect(JSON.parse(command)).toEqual(['start', '--stay']);
    // Each path that is copied is let through to the build.
    const allowed = readFromRoot(`${PATH}.dockerignore`).split('\n');
    for (const copied of words('COPY')) {
      for (const source of copied.split(' ').slice(0, -1)) {
        const isAllowed = allowed.some(
          (line) => line.startsWith('!') && source.startsWith(line.slice(1)),
        );
        expect(isAllowed, source).toBe(true);
      }
    }
  });

  it('writes its bill of materials beside the image', () => {
    const bill = stages.find(({ name }) => name === 'sbom');
    expect(bill?.base).toBe('scratch');
    expect(JSON.stringify(stages.find(({ name }) => name === 'bill'))).toContain('cyclonedx');
    expect(JSON.stringify(last)).not.toContain('sbom');
  });
});
