import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { processMark } from '#shared/core/running-process.ts';
import { openCheckpoint } from '#shared/engine/checkpoint/open-checkpoint.ts';
import { checkFiles } from '#shared/engine/package/check-files.ts';
import { readManifest } from '#shared/engine/package/manifest.ts';
import { packageBytes } from '#shared/engine/package/package-bytes.ts';
import { loadTokenizer } from '#shared/engine/pipeline/tokenizer.ts';
import {
  copyOfTiny,
  editTensors,
  fixture,
  importFixture,
  rawTensors,
  temporaryFolder,
} from '#test/helpers/model-fixture.ts';
import { readSafetensors } from '#test/helpers/read-safetensors.ts';
import { relativeError, runStages } from '#test/helpers/run-stages.ts';
import { encodeTorchFile } from '#test/helpers/torch-file.ts';
import type { RawTensor } from '#test/helpers/write-safetensors.ts';

const folder = temporaryFolder();
afterAll(folder.remove);

const TINY = fixture('tiny', 'repo');
const UNET = 'unet/diffusion_pytorch_model.safetensors';
const VAE = 'vae/diffusion_pytorch_model.safetensors';
const TEXT = 'text_encoder/model.safetensors';

let packages = 0;
const newPlace = (): string => {
  packages += 1;
  return join(folder.path, `package-${packages}`);
};

const zeros = (dtype: RawTensor['dtype'], shape: readonly number[], bytes: number): RawTensor => ({
  dtype,
  shape,
  bytes: new Uint8Array(bytes),
});

describe('importModel', () => {
  it('writes a package whose manifest says what is in it', async () => {
    const out = newPlace();
    const made = await importFixture(TINY, out);
    const manifest = readManifest(out);
    expect(manifest).toEqual(made);
    expect(manifest).toMatchObject({
      name: 'test',
      dtype: 'fp32',
      size: { defaultWidth: 256, defaultHeight: 256, multiple: 8 },
      vae: { scalingFactor: 0.13025, latentChannels: 4 },
      text: { contextChannels: 80, pooledChannels: 40 },
      schedule: { timestep: 399 },
    });
    expect(manifest.text.tokenizers).toEqual([
      { folder: 'tokenizer', bosId: 809, eosId: 810, padId: 810, maxLength: 77 },
      { folder: 'tokenizer_2', bosId: 809, eosId: 810, padId: 0, maxLength: 77 },
    ]);
    expect(await checkFiles(out, manifest)).toEqual([]);
    expect(readdirSync(folder.path).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  it('takes tokenizers that are one tokenizer.json each', async () => {
    const repository = copyOfTiny(folder.path);
    for (const name of ['tokenizer', 'tokenizer_2']) {
      const path = (file: string) => join(repository, name, file);
      const merges = readFileSync(path('merges.txt'), 'utf8').trim().split('\n').slice(1);
      const vocab = JSON.parse(readFileSync(path('vocab.json'), 'utf8'));
      const model = { type: 'BPE', end_of_word_suffix: '</w>', vocab, merges };
      writeFileSync(path('tokenizer.json'), JSON.stringify({ model, added_tokens: [] }));
      rmSync(path('vocab.json'));
      rmSync(path('merges.txt'));
    }
    const out = newPlace();
    const manifest = await importFixture(repository, out);
    expect(manifest.text.tokenizers[1]).toMatchObject({ bosId: 809, eosId: 810, padId: 0 });
    const names = readdirSync(join(out, 'tokenizer'));
    expect(names).toContain('tokenizer.json');
    expect(names).not.toContain('vocab.json');
    const usual = loadTokenizer(join(TINY, 'tokenizer'));
    const text = 'A photo of a dog.';
    expect(loadTokenizer(join(out, 'tokenizer')).encode(text)).toEqual(usual.encode(text));
  });

  it('gives the same digest again, and replaces a package that is there', async () => {
    const out = newPlace();
    const first = await importFixture(TINY, out);
    writeFileSync(join(out, 'text.onnx'), 'damaged');
    const second = await importFixture(TINY, out);
    expect(second.digest).toBe(first.digest);
    expect(await checkFiles(out, second)).toEqual([]);
  });

  it('does not touch a folder that is no package', async () => {
    const out = newPlace();
    mkdirSync(out);
    writeFileSync(join(out, 'precious.txt'), 'x');
    await expect(importFixture(TINY, out)).rejects.toThrow(/is not a model package/);
    expect(readdirSync(out)).toEqual(['precious.txt']);
  });

  it('leaves nothing behind when it is stopped', async () => {
    const out = newPlace();
    const stop = new AbortController();
    const interrupted = importFixture(TINY, out, {
      signal: stop.signal,
      onProgress: () => stop.abort(new Error('stop')),
    });
    await expect(interrupted).rejects.toThrow('stop');
    expect(existsSync(out)).toBe(false);
    expect(readdirSync(folder.path).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  it.each(['fp32', 'fp16'] as const)('tells how far it is, up to the end (%s)', async (dtype) => {
    const told: { bytes: number; of: number }[] = [];
    const onProgress = (done: { bytes: number; of: number }) => told.push(done);
    const out = join(folder.path, `told-${dtype}`);
    const { files } = await importFixture(TINY, out, { dtype, onProgress });
    const weights = Object.entries(files).filter(([path]) => path.endsWith('.safetensors'));
    const written = weights.reduce((sum, [, { bytes }]) => sum + bytes, 0);
    expect(told.at(-1)).toEqual({ bytes: written, of: written });
  });

  it('begins nothing that would not fit', async () => {
    const out = join(folder.path, 'too-large');
    const asked: string[] = [];
    const diskOf = async (place: string) => {
      asked.push(place);
      return { id: 1, freeBytes: 2 ** 26 };
    };
    const refused = importFixture(TINY, out, { diskOf, onProgress: () => expect.fail('began') });
    await expect(refused).rejects.toMatchObject({ code: 'disk-full' });
    expect(asked).toEqual([folder.path]);
    expect(existsSync(out)).toBe(false);
  });

  it.each(['fp32', 'fp16'] as const)(
    'is as large as its configurations say (%s)',
    async (dtype) => {
      const { files } = await importFixture(TINY, newPlace(), { dtype });
      const weights = Object.entries(files).filter(([path]) => path.endsWith('.safetensors'));
      const written = weights.reduce((sum, [, { bytes }]) => sum + bytes, 0);
      // The files' headers come on top.
      expect(packageBytes(TINY, dtype)).toBeLessThan(written);
      expect(packageBytes(TINY, dtype)).toBeGreaterThan(written * 0.9);
    },
  );

  it('knows the size of a model whose schedule is shorter than the usual timestep', () => {
    const repository = copyOfTiny(folder.path);
    const path = join(repository, 'scheduler', 'scheduler_config.json');
    const schedule = { ...JSON.parse(readFileSync(path, 'utf8')), num_train_timesteps: 300 };
    writeFileSync(path, JSON.stringify(schedule));
    expect(packageBytes(repository, 'fp32')).toBe(packageBytes(TINY, 'fp32'));
  });

  it('removes what a killed run left behind', async () => {
    const left = (mark: string) => join(folder.path, `.package-stale.import-${mark}`);
    // Numbers that no process has, and one that another process has by now.
    const stale = ['999999999', '999999999.old', `${process.ppid}-1`].map(left);
    const alive = [processMark(process.ppid), `1.import-${process.pid}`].map(left);
    for (const path of [...stale, ...alive]) mkdirSync(path);
    await importFixture(TINY, join(folder.path, 'package-stale'));
    expect(stale.filter((path) => existsSync(path))).toEqual([]);
    expect(alive.filter((path) => existsSync(path))).toEqual(alive);
  });

  it.each(['F16', 'F32', 'BF16'] as const)('takes a UNet from a %s torch file', async (dtype) => {
    const out = newPlace();
    const repository = copyOfTiny(folder.path);
    const source = join(repository, UNET);
    const floats = convertAll(source, dtype);
    rmSync(source);
    const file = join(repository, 'unet.bin');
    writeFileSync(file, encodeTorchFile(floats));
    await importFixture(repository, out, { unet: file });
    const { tensors } = readSafetensors(fixture('tiny', 'card.safetensors'));
    const { vaeIn } = await runStages(out, tensors);
    const expected = tensors['vae_in']?.values ?? [];
    // bfloat16 keeps eight bits of what the reference was computed with.
    expect(relativeError(vaeIn, expected)).toBeLessThan(dtype === 'BF16' ? 3e-2 : 1e-4);
  });

  it('keeps clean latents within the range of a scheduler that clips', async () => {
    const repository = copyOfTiny(folder.path);
    const path = join(repository, 'scheduler', 'scheduler_config.json');
    const config = JSON.parse(readFileSync(path, 'utf8'));
    const clipping = { ...config, clip_sample: true, clip_sample_range: 0.5 };
    writeFileSync(path, JSON.stringify(clipping));
    const out = newPlace();
    const { vae } = await importFixture(repository, out);
    const { tensors } = readSafetensors(fixture('tiny', 'card.safetensors'));
    const limit = 0.5 / vae.scalingFactor;
    const expected = [...(tensors['vae_in']?.values ?? [])].map((value) =>
      Math.min(Math.max(value, -limit), limit),
    );
    expect(expected.filter((value) => Math.abs(value) === limit).length).toBeGreaterThan(100);
    const { vaeIn } = await runStages(out, tensors);
    expect(relativeError(vaeIn, expected)).toBeLessThan(1e-4);
  });

  it('takes a UNet as DataParallel and compile name its tensors', async () => {
    const repository = copyOfTiny(folder.path);
    const wrap = (tensors: Record<string, RawTensor>) =>
      Object.entries(tensors).map(([name, tensor]) => [`module._orig_mod.${name}`, tensor]);
    editTensors(join(repository, UNET), (tensors) => Object.fromEntries(wrap(tensors)));
    const wrapped = await importFixture(repository, newPlace());
    expect(wrapped.digest).toBe((await importFixture(TINY, newPlace())).digest);
  });

  it('shares tensors that fit when it links, and computes the same', async () => {
    const copied = newPlace();
    const out = newPlace();
    await importFixture(TINY, copied, { dtype: 'fp16' });
    const manifest = await importFixture(TINY, out, { dtype: 'fp16', link: true });
    const linked = Object.keys(manifest.files).filter((path) => path.startsWith('linked/'));
    expect(linked.length).toBe(4);
    expect(statSync(join(out, linked[0] ?? '')).nlink).toBeGreaterThan(1);
    expect(await checkFiles(out, manifest)).toEqual([]);
    const { tensors } = readSafetensors(fixture('tiny', 'card.safetensors'));
    const [a, b] = [await runStages(out, tensors), await runStages(copied, tensors)];
    expect(Buffer.compare(a.pixels.data as Uint8Array, b.pixels.data as Uint8Array)).toBe(0);
  });

  it('reads text encoders without the text_model prefix, and skips what is not needed', async () => {
    const repository = copyOfTiny(folder.path);
    editTensors(join(repository, TEXT), (tensors) => ({
      ...Object.fromEntries(
        Object.entries(tensors).map(([name, tensor]) => [
          name.replace(/^text_model\./, ''),
          tensor,
        ]),
      ),
      'embeddings.position_ids': zeros('I64', [1, 77], 77 * 8),
    }));
    const out = newPlace();
    const { digest } = await importFixture(repository, out);
    expect(digest).toBe((await importFixture(TINY, newPlace())).digest);
  });
});

describe('importModel names what is wrong:', () => {
  const broken = async (change: (repository: string) => void) => {
    const repository = copyOfTiny(folder.path);
    change(repository);
    const out = newPlace();
    await expect(importFixture(repository, out)).rejects.toMatchObject({ name: /Error$/ });
    expect(existsSync(out)).toBe(false);
    return importFixture(repository, out).then(
      () => '',
      (error: Error) => error.message,
    );
  };

  it('a tensor that is missing', async () => {
    const name = 'down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.weight';
    const message = await broken((repository) =>
      editTensors(join(repository, UNET), ({ [name]: _, ...others }) => others),
    );
    expect(message).toContain(`tensor "${name}" is missing`);
  });

  it('a tensor of the last layer, which only the class needs', async () => {
    const name = 'text_model.encoder.layers.2.mlp.fc1.bias';
    const message = await broken((repository) =>
      editTensors(join(repository, TEXT), ({ [name]: _, ...others }) => others),
    );
    expect(message).toContain(`tensor "${name}" is missing`);
  });

  it('a tensor of another shape', async () => {
    const message = await broken((repository) =>
      editTensors(join(repository, VAE), (tensors) => ({
        ...tensors,
        'decoder.conv_out.bias': zeros('F16', [4], 8),
      })),
    );
    expect(message).toContain('"decoder.conv_out.bias" has the shape [4]');
    expect(message).toContain('says [3]');
  });

  it('a tensor that the class does not know', async () => {
    const message = await broken((repository) =>
      editTensors(join(repository, UNET), (tensors) => ({
        ...tensors,
        'lora.down.weight': zeros('F16', [2], 4),
      })),
    );
    expect(message).toContain('tensor "lora.down.weight" is not part of');
  });

  it('a tensor that holds no floats', async () => {
    const message = await broken((repository) =>
      editTensors(join(repository, VAE), (tensors) => ({
        ...tensors,
        'decoder.conv_out.bias': zeros('I32', [3], 12),
      })),
    );
    expect(message).toContain('"decoder.conv_out.bias" holds I32');
  });

  it('a part without weights, and how to do without it', async () => {
    const message = await broken((repository) => rmSync(join(repository, UNET)));
    expect(message).toMatch(/unet has no weights\. Name a UNet checkpoint with --unet/);
  });

  it.each(['vae/config.json', 'tokenizer/vocab.json', 'scheduler/scheduler_config.json'])(
    'a missing %s',
    async (file) => {
      const message = await broken((repository) => rmSync(join(repository, file)));
      expect(message).toContain(`${file}: there is no such file`);
    },
  );

  it.each([
    ['unet', 'cross_attention_dim', 96],
    ['unet', 'projection_class_embeddings_input_dim', 100],
    ['unet', 'layers_per_block', 1e9],
    ['unet', 'transformer_layers_per_block', 120],
    ['text_encoder', 'num_hidden_layers', 1e9],
    ['vae', 'scaling_factor', 'big'],
    ['vae', 'latents_mean', [1, 2, 3, 4]],
    ['text_encoder', 'hidden_act', 'tanh'],
    ['text_encoder', 'max_position_embeddings', 64],
  ])('%s/config.json with %s: %j', async (part, field, value) => {
    const message = await broken((repository) => {
      const path = join(repository, part, 'config.json');
      const config = JSON.parse(readFileSync(path, 'utf8'));
      writeFileSync(path, JSON.stringify({ ...config, [field]: value }));
    });
    expect(message).toContain(`"${field}"`);
    expect(message).toContain('config.json');
  });
});

describe('checkFiles', () => {
  it('names a file that is missing, one that is cut, and one whose bytes changed', async () => {
    const out = newPlace();
    const manifest = await importFixture(TINY, out);
    rmSync(join(out, 'tokenizer/merges.txt'));
    writeFileSync(join(out, 'vae.onnx'), '');
    const bytes = readFileSync(join(out, 'unet.safetensors'));
    bytes.writeUInt8(bytes.readUInt8(5000) ^ 1, 5000);
    writeFileSync(join(out, 'unet.safetensors'), bytes);
    const faults = (await checkFiles(out, manifest)).join('\n');
    expect(faults).toContain('tokenizer/merges.txt is missing');
    expect(faults).toContain('vae.onnx has 0 bytes instead of');
    expect(faults).toContain('unet.safetensors is damaged');
  });
});

/** The tensors of a float16 file in another precision. */
function convertAll(path: string, dtype: 'F16' | 'F32' | 'BF16'): Record<string, RawTensor> {
  if (dtype === 'F16') return rawTensors(path);
  const checkpoint = openCheckpoint(path);
  const entries = [...checkpoint.tensors].map(([name, tensor]): [string, RawTensor] => {
    const halves = new Uint16Array(tensor.read().slice().buffer);
    const floats = Float32Array.from(halves, halfValue);
    const wide = new Uint16Array(floats.buffer);
    const upper = wide.filter((_, index) => index % 2 === 1);
    const bytes = dtype === 'F32' ? new Uint8Array(floats.buffer) : new Uint8Array(upper.buffer);
    return [name, { dtype, shape: tensor.shape, bytes }];
  });
  checkpoint.close();
  return Object.fromEntries(entries);
}

function halfValue(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const mantissa = bits & 1023;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  return sign * (1024 + mantissa) * 2 ** (exponent - 25);
}
