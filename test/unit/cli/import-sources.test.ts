import { describe, expect, it } from 'vitest';
import { readLora } from '#functions/cli/import/lora-option.ts';
import { nameOnHub, optionalSource } from '#functions/cli/import/source.ts';

describe('nameOnHub', () => {
  it.each([
    ['teacher/OneStep', 'OneStep_UNet.bin', 'OneStep'],
    ['SYZhang0805/DisBack', 'SDXL_DisBack.bin', 'DisBack'],
    ['tianweiy/DMD2', 'dmd2_sdxl_1step_unet.bin', 'DMD2-1step'],
    ['tianweiy/DMD2', 'dmd2_sdxl_1step_unet_fp16.bin', 'DMD2-1step-fp16'],
    ['ChenDY/NitroFusion', 'nitrosd-vibrant_unet.safetensors', 'NitroFusion-nitrosd-vibrant'],
    ['stabilityai/sdxl-turbo', undefined, 'sdxl-turbo'],
  ])('tells the models of one repository apart: %s %s', (repository, file, name) => {
    const owner = repository.split('/')[0];
    expect(nameOnHub({ repository, file, revision: 'main' })).toEqual([owner, name]);
  });
});

describe('readLora', () => {
  it.each([
    ['a.safetensors', 'a.safetensors', 1],
    ['a.safetensors:0.7', 'a.safetensors', 0.7],
    ['a.safetensors:.7', 'a.safetensors', 0.7],
    ['owner/name/a.safetensors:-1', 'owner/name/a.safetensors', -1],
  ])('reads %s', (word, text, scale) => {
    expect(readLora(word)).toEqual({ text, scale });
  });

  it('refuses a scale that is not a number', () => {
    expect(() => readLora('a.safetensors:strong')).toThrow('--lora a.safetensors:strong');
  });
});

describe('optionalSource', () => {
  it.each([
    ['owner/name/file.bin', 'owner/name'],
    ['owner/name', 'owner/name'],
    ['nowhere/file.bin', undefined],
    ['./owner/name', undefined],
    ['test/unit', undefined],
  ])('takes %s for a repository of the hub or a path', (text, repository) => {
    expect(optionalSource(text)?.reference?.repository).toBe(repository);
  });
});
