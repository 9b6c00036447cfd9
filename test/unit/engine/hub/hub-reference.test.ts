import { describe, expect, it } from 'vitest';
import { parseHubReference } from '#shared/engine/hub/hub-reference.ts';

describe('parseHubReference', () => {
  it.each([
    ['stabilityai/stable-diffusion-xl-base-1.0', ['main', undefined]],
    ['SYZhang0805/DisBack/SDXL_DisBack.bin', ['main', 'SDXL_DisBack.bin']],
    ['owner/name@v1.0/unet/model.safetensors', ['v1.0', 'unet/model.safetensors']],
  ])('reads %s', (text, [revision, file]) => {
    const repository = text.split('/').slice(0, 2).join('/').split('@')[0];
    expect(parseHubReference(text)).toEqual({ repository, revision, file });
  });

  it.each([
    'unet.bin',
    '/tmp/unet.bin',
    './owner/name',
    '../owner/name',
    'owner/',
    'owner//file',
    'owner/name/../../etc/passwd',
    'owner/name/a//b',
    'owner/name/a\\b',
    'ow ner/name',
    'https://huggingface.co/owner/name',
  ])('takes %s for something else', (text) => {
    expect(parseHubReference(text)).toBeUndefined();
  });
});
