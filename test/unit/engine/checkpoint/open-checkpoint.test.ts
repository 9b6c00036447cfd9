import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AppError, FormatError } from '#shared/core/errors.ts';
import { findWeights, openCheckpoint } from '#shared/engine/checkpoint/open-checkpoint.ts';
import { encodeTorchFile } from '#test/helpers/torch-file.ts';
import { type RawTensor, writeSafetensors } from '#test/helpers/write-safetensors.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'checkpoint-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

function tensor(value: number): RawTensor {
  return { dtype: 'U8', shape: [1], bytes: Uint8Array.of(value) };
}

function writeIndex(name: string, weightMap: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, JSON.stringify({ metadata: {}, weight_map: weightMap }));
  return path;
}

describe('openCheckpoint', () => {
  it('says of a path that leads nowhere why', () => {
    const loop = join(folder, 'loop');
    symlinkSync('loop', loop);
    expect(() => openCheckpoint(loop)).toThrow(/loop: cannot be opened: too many symbolic links/);
    const file = join(folder, 'file');
    writeFileSync(file, 'x');
    expect(() => openCheckpoint(join(file, 'x'))).toThrow(/x: there is no such file\.$/);
    expect(() => openCheckpoint(join(folder, 'x'.repeat(500)))).toThrow(/name too long/);
  });

  it('joins the files of an index', () => {
    writeSafetensors(join(folder, 'model-00001-of-00002.safetensors'), { a: tensor(1) });
    writeSafetensors(join(folder, 'model-00002-of-00002.safetensors'), {
      b: tensor(2),
      c: tensor(3),
    });
    const first = 'model-00001-of-00002.safetensors';
    const second = 'model-00002-of-00002.safetensors';
    writeIndex('model.safetensors.index.json', { c: second, a: first, b: second });
    const checkpoint = openCheckpoint(folder);
    const values = [...checkpoint.tensors].map(([name, lazy]) => [name, lazy.read()[0]]);
    expect(values).toEqual([
      ['c', 3],
      ['a', 1],
      ['b', 2],
    ]);
    checkpoint.close();
    expect(() => checkpoint.tensors.get('a')?.read()).toThrow(/after its close/);
  });

  it.each([
    'diffusion_pytorch_model.safetensors',
    'diffusion_pytorch_model.fp16.safetensors',
    'model.safetensors',
    'model.fp16.safetensors',
  ])('finds %s in a folder', (name) => {
    writeSafetensors(join(folder, name), { a: tensor(1) });
    expect(openCheckpoint(folder).tensors.get('a')?.file).toBe(join(folder, name));
  });

  it.each([
    'model.fp16.safetensors.index.json',
    'diffusion_pytorch_model.safetensors.index.fp16.json',
  ])('finds %s in a folder', (name) => {
    writeSafetensors(join(folder, 'part.fp16-00001-of-00001.safetensors'), { a: tensor(1) });
    writeIndex(name, { a: 'part.fp16-00001-of-00001.safetensors' });
    expect([...openCheckpoint(folder).tensors.keys()]).toEqual(['a']);
  });

  it('prefers exact weights to rounded ones', () => {
    writeSafetensors(join(folder, 'model.fp16.safetensors'), { a: tensor(1) });
    writeSafetensors(join(folder, 'model.safetensors'), { a: tensor(2) });
    expect(findWeights(folder)).toBe(join(folder, 'model.safetensors'));
  });

  it('goes by what a file is, not by what its name says', () => {
    writeFileSync(join(folder, 'a.safetensors'), encodeTorchFile({ a: tensor(1) }));
    writeSafetensors(join(folder, 'b.bin'), { b: tensor(2) });
    expect(openCheckpoint(join(folder, 'a.safetensors')).tensors.get('a')?.read()).toEqual(
      Uint8Array.of(1),
    );
    expect(openCheckpoint(join(folder, 'b.bin')).tensors.get('b')?.read()).toEqual(
      Uint8Array.of(2),
    );
  });

  it('names what is missing', () => {
    expect(() => openCheckpoint(folder)).toThrow(/no weights in this folder/);
    expect(() => openCheckpoint(join(folder, 'absent.bin'))).toThrow(
      /absent\.bin: there is no such/,
    );
    const missing = () => openCheckpoint(writeIndex('x.index.json', { a: 'absent.safetensors' }));
    expect(missing).toThrow(AppError);
    expect(missing).toThrow(/absent\.safetensors: there is no such file/);
    mkdirSync(join(folder, 'model.safetensors'));
    expect(() => openCheckpoint(join(folder, 'model.safetensors'))).toThrow(/no weights/);
  });

  it.each<[string, unknown, RegExp]>([
    ['a way out of the folder', { a: '../secret.safetensors' }, /no file beside it/],
    ['an absolute path', { a: '/etc/secret.safetensors' }, /no file beside it/],
    ['something else than weights', { a: 'config.json' }, /no file beside it/],
    ['no map', 7, /no "weight_map"/],
    ['a tensor that the file does not have', { b: 'a.safetensors' }, /holds "b"; it doesn't/],
  ])('refuses an index with %s', (_, weightMap, reason) => {
    writeSafetensors(join(folder, 'a.safetensors'), { a: tensor(1) });
    const path = writeIndex('x.index.json', weightMap);
    expect(() => openCheckpoint(path)).toThrow(FormatError);
    expect(() => openCheckpoint(path)).toThrow(reason);
  });
});
