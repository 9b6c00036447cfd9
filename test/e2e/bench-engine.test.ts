import { execFileSync, spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { hasCudaDevice } from '#shared/engine/pipeline/cuda.ts';
import { ROOT } from '#test/helpers/root.ts';

const words = (...args: readonly string[]) => [
  'functions/cli/launch.mjs',
  'bench',
  'engine',
  '--shape',
  'demo',
  ...args,
];

describe('onestep bench engine', () => {
  it('says what the first and the later images took, and how like the CPU it drew', () => {
    const options = [
      '--dtype',
      'fp16',
      '--size',
      '64',
      '--runs',
      '3',
      '--compare',
      'cpu',
      '--profile',
      '--json',
    ];
    const report = JSON.parse(
      execFileSync(process.execPath, words(...options), { cwd: ROOT, encoding: 'utf8' }),
    );
    expect(report).toMatchObject({
      device: 'cpu',
      dtype: 'fp16',
      runs: 3,
      image: { width: 64, height: 64 },
      gpu: null,
      likeness: { equal: true, largest: 0 },
    });
    expect(report.firstImageSeconds).toBeGreaterThan(0);
    expect(Object.keys(report.warmMs)).toEqual(['text', 'unet', 'vae', 'encode', 'total']);
    const names = report.phases.map(({ phase }: { phase: string }) => phase);
    expect(names.slice(0, 2)).toEqual(['import', 'load']);
    expect(names.filter((name: string) => name === 'unet')).toHaveLength(3);
    expect(names).toContain('cpu unet');
    expect(names.filter((name: string) => name === 'profiled unet')).toHaveLength(2);
    expect(Object.keys(report.profile)).toEqual(['text', 'unet', 'vae']);
    for (const operators of Object.values(report.profile)) expect(operators).not.toHaveLength(0);
  });

  it('refuses CUDA at once where there is none', () => {
    if (hasCudaDevice()) return;
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      words('--device', 'cuda', '--json'),
      { cwd: ROOT, encoding: 'utf8' },
    );
    expect(status).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^onestep: There is no CUDA device here: .*--device cpu.*\n$/);
  });
});
