import { createHash } from 'node:crypto';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { defined } from '#shared/core/defined.ts';
import { verifyPublicly, verifyReceipt } from '#shared/core/embedded-receipt.ts';
import { sha256Hex } from '#shared/core/hash.ts';
import { IMAGE_FORMATS } from '#shared/core/inference.ts';
import { FORMER_RECIPE } from '#shared/core/recipe.ts';
import { type EncodeOptions, encodeImage } from '#shared/engine/pipeline/encode-image.ts';
import { ENGINE_VERSION } from '#shared/engine/pipeline/engine-version.ts';
import { createMarking } from '#shared/provenance/marking.ts';
import { readFromRoot } from '#test/helpers/root.ts';

const width = 48;
const height = 32;
const pixels = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 31) & 255);
const picture = { seed: 9, width, height, pixels };
const secret = new Uint8Array(32).fill(7);
const marking = await createMarking(secret);
const options: EncodeOptions = {
  format: 'png',
  quality: 80,
  prompt: 'A <red> house & "sea"',
  model: { name: 'demo', digest: 'ab'.repeat(32), recipe: FORMER_RECIPE },
  marking,
};

/** The receipt and signature that a file carries in its XMP. */
async function embedded(bytes: Uint8Array): Promise<{ receipt: string; signature?: string }> {
  const xmp = (await sharp(bytes).metadata()).xmpAsString ?? '';
  const receipt = /<onestep:receipt>(.*)<\/onestep:receipt>/s.exec(xmp)?.[1] ?? '';
  const signature = /<onestep:signature>(.*)<\/onestep:signature>/.exec(xmp)?.[1];
  const plain = receipt.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
  return { receipt: plain, ...defined({ signature }) };
}

describe.each(IMAGE_FORMATS)('encodeImage as %s', (format) => {
  it('gives equal pixels for equal pictures and states their digests', async () => {
    const image = await encodeImage(picture, { ...options, format });
    const again = await encodeImage({ ...picture }, { ...options, format });
    const decoded = ({ bytes }: typeof image) => sharp(bytes).raw().toBuffer();
    expect(await decoded(again)).toEqual(await decoded(image));
    expect(await embedded(again.bytes)).toEqual(await embedded(image.bytes));
    expect(again).toMatchObject({
      pixelsSha256: image.pixelsSha256,
      deliveredSha256: image.deliveredSha256,
    });
    // Signatures of C2PA have a random part.
    expect(again.sha256).not.toBe(image.sha256);
    expect(image.sha256).toBe(createHash('sha256').update(image.bytes).digest('hex'));
    expect(image.pixelsSha256).toBe(createHash('sha256').update(pixels).digest('hex'));
    // What compression made of them is part of it: a reader of the file gets exactly these.
    expect(image.deliveredSha256).toBe(sha256Hex(await decoded(image)));
    expect(JSON.parse((await embedded(image.bytes)).receipt)).toMatchObject({
      delivered_sha256: image.deliveredSha256,
    });
  });

  it('marks the file as made by a model and says how', async () => {
    const { bytes, pixelsSha256, deliveredSha256 } = await encodeImage(picture, {
      ...options,
      format,
    });
    const metadata = await sharp(bytes).metadata();
    expect(metadata).toMatchObject({ format, width, height });
    expect(metadata.xmpAsString).toContain('digitalsourcetype/trainedAlgorithmicMedia<');
    // Scanners look for the packet in the file's bytes: it may not be compressed.
    expect(Buffer.from(bytes).includes('trainedAlgorithmicMedia')).toBe(true);
    expect(JSON.parse((await embedded(bytes)).receipt)).toEqual({
      engine: `onestep ${ENGINE_VERSION}`,
      model: { name: options.model.name, digest: options.model.digest },
      prompt: options.prompt,
      seed: 9,
      width,
      height,
      format,
      quality: format === 'png' ? 100 : 80,
      pixels_sha256: pixelsSha256,
      delivered_sha256: deliveredSha256,
    });
  });

  it('says in its description how it was made, where there is room', async () => {
    const describe = async (prompt: string) => {
      const { bytes } = await encodeImage(picture, { ...options, format, prompt });
      const xmp = (await sharp(bytes).metadata()).xmpAsString ?? '';
      return /<rdf:li xml:lang="x-default">(.*)<\/rdf:li>/s.exec(xmp)?.[1];
    };
    expect(await describe('a <red>\n犬\0')).toMatch(
      /^a &lt;red&gt;\n犬\ufffd\nSteps: 1.* Seed: 9,/,
    );
    expect(await describe('a'.repeat(40_000))).toBeUndefined();
  });

  it("signs the receipt with the deployment's key pair", async () => {
    const { bytes } = await encodeImage(picture, { ...options, format });
    const { receipt, signature = '' } = await embedded(bytes);
    expect(verifyReceipt(receipt, signature, secret)).toBe(true);
    expect(verifyPublicly(receipt, signature, marking.keys.publicKey)).toBe(true);
    expect(verifyReceipt(receipt.replace('"seed":9', '"seed":8'), signature, secret)).toBe(false);
    expect(verifyReceipt(receipt, signature, new Uint8Array(32))).toBe(false);
  });

  it.each([
    '\u0001'.repeat(10_000),
    '日'.repeat(10_000),
    '&'.repeat(10_000),
    '&'.repeat(20_000),
    'a'.repeat(29_000),
    'a'.repeat(56_998),
    'a'.repeat(56_999),
    '\ud800\uffff\0',
  ])('keeps the mark whatever the prompt (%#)', async (prompt) => {
    const { bytes } = await encodeImage(picture, { ...options, format, prompt });
    const { receipt } = await embedded(bytes);
    const digest = createHash('sha256').update(prompt).digest('hex');
    expect([prompt, `sha256:${digest}`]).toContain(JSON.parse(receipt).prompt);
  });
});

describe('the PNG', () => {
  it("holds the model's own pixels where there is no watermark", async () => {
    const unmarked = await createMarking(secret, { watermark: false });
    const image = await encodeImage(picture, { ...options, marking: unmarked });
    expect((await sharp(image.bytes).raw().toBuffer()).equals(pixels)).toBe(true);
    expect(image.deliveredSha256).toBe(image.pixelsSha256);
  });

  it('holds the parameters', async () => {
    const { bytes } = await encodeImage(picture, options);
    expect((await sharp(bytes).metadata()).comments).toEqual([
      {
        keyword: 'parameters',
        text: `${options.prompt}\nSteps: 1, Sampler: LCM, CFG scale: 0, Seed: 9, Size: 48x32, Model hash: ababababab, Model: demo, Version: onestep ${ENGINE_VERSION}`,
      },
    ]);
  });

  it('takes a prompt in any script', async () => {
    const { bytes } = await encodeImage(picture, { ...options, prompt: '犬 🐶 é' });
    const [comment] = (await sharp(bytes).metadata()).comments ?? [];
    expect(comment?.text).toMatch(/^犬 🐶 é\nSteps: 1/);
  });
});

describe('ENGINE_VERSION', () => {
  it("is the package's", () => {
    expect(JSON.parse(readFromRoot('package.json')).version).toBe(ENGINE_VERSION);
  });
});
