import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ReceiptSchema } from '#shared/core/inference.ts';
import { fixture } from '#test/helpers/model-fixture.ts';
import { type FixtureTensor, readSafetensors } from '#test/helpers/read-safetensors.ts';
import { fromRoot, ROOT } from '#test/helpers/root.ts';
import { runOnestep } from '#test/helpers/run-cli.ts';

const LAUNCH = fromRoot('functions/cli/launch.mjs');
const TOKENIZER = fromRoot('test/fixtures/clip-tokenizer');
const folder = mkdtempSync(join(tmpdir(), 'onestep-generate-'));
beforeAll(() => process.chdir(folder));
afterAll(() => {
  process.chdir(ROOT);
  rmSync(folder, { recursive: true });
});

const onestep = (words: readonly string[], input = '') => runOnestep(words, { input });

/** ‖a − b‖ / ‖b‖, where `a` may be one row that stands for all of `b`. */
function relativeL2(a: FixtureTensor | undefined, b: FixtureTensor | undefined): number {
  let difference = 0;
  let norm = 0;
  const [x, y] = [a?.values ?? [], b?.values ?? []];
  for (const [i, value] of y.entries()) {
    difference += ((x[i % x.length] ?? Number.NaN) - value) ** 2;
    norm += value ** 2;
  }
  return Math.sqrt(difference / norm);
}

describe('onestep generate', () => {
  it.each(['card', 'batch', 'wide'])('agrees with diffusers stage by stage: %s', async (name) => {
    const { metadata, tensors: expected } = readSafetensors(
      fixture('demo-stages', `${name}.safetensors`),
    );
    const { prompt = '', seed = '', width = '', height = '', batch = '1' } = metadata;
    const words = ['--seed', seed, '--width', width, '--height', height, '--num', batch];
    const dump = join(folder, `${name}.safetensors`);
    const out = join(folder, `${name}.png`);
    const { status, stderr } = await onestep([
      'generate',
      prompt,
      ...words,
      '--dump',
      dump,
      '--out',
      out,
      '-q',
    ]);
    expect([status, stderr]).toEqual([0, '']);

    const { tensors } = readSafetensors(dump);
    const recipe = ['timestep', 'unet_in'];
    expect(Object.keys(tensors).sort()).toEqual([...Object.keys(expected), ...recipe].sort());
    expect([...(tensors['timestep']?.values ?? [])]).toEqual([399]);
    // Its scheduler scales nothing.
    expect(tensors['unet_in']).toEqual(tensors['latents_in']);
    for (const ids of ['ids_1', 'ids_2']) expect(tensors[ids]).toEqual(expected[ids]);
    for (const stage of ['context', 'pooled', 'time_ids', 'latents_in', 'vae_in']) {
      expect(relativeL2(tensors[stage], expected[stage]), stage).toBeLessThan(1e-4);
    }
    const pixels = tensors['pixels'];
    expect(pixels?.shape).toEqual(expected['pixels']?.shape);
    const reference = expected['pixels']?.values ?? [];
    const far = pixels?.values.filter((v, i) => Math.abs(v - (reference[i] ?? 999)) > 1).length;
    expect((far ?? Number.NaN) / reference.length).toBeLessThan(0.001);
  });

  it('prints the receipt of files that anyone can make again', async () => {
    const words = ['generate', 'a cat', '--seed', '4294967295', '--width', '64', '--height', '48'];
    const two = await onestep([...words, '--num', '2', '--out', 'two.webp', '--json']);
    const receipt = ReceiptSchema.parse(JSON.parse(two.stdout));
    expect(receipt.images.map(({ key, seed }) => [key, seed])).toEqual([
      ['two-0.webp', 4294967295],
      ['two-1.webp', 0],
    ]);
    await onestep([
      'generate',
      'a cat',
      '--seed',
      '0',
      '--width',
      '64',
      '--height',
      '48',
      '-o',
      'one.webp',
    ]);
    const [file, again] = ['two-1.webp', 'one.webp'].map((name) =>
      readFileSync(join(folder, name)),
    );
    // The files differ by their signatures.
    const pixels = (image: Buffer | undefined) => sharp(image).raw().toBuffer();
    expect((await pixels(file)).equals(await pixels(again))).toBe(true);
    expect(
      createHash('sha256')
        .update(file ?? '')
        .digest('hex'),
    ).toBe(receipt.images[1]?.sha256);
    expect(await sharp(file).metadata()).toMatchObject({ format: 'webp', width: 64, height: 48 });
  });

  it('lets ONNX Runtime report to nobody, nor read a long prompt off the command line', () => {
    const home = join(folder, 'home');
    mkdirSync(home);
    const words = ['generate', '犬'.repeat(10_000), '--width', '64', '--height', '64'];
    const { ORT_DISABLE_TELEMETRY: _, XDG_CACHE_HOME: __, ...env } = process.env;
    const { status, signal, pid } = spawnSync(process.execPath, [LAUNCH, ...words, '-q'], {
      cwd: folder,
      env: { ...env, HOME: home, TMPDIR: home },
    });
    expect([status, signal]).toEqual([0, null]);
    expect(existsSync(join(home, '.cache'))).toBe(false);
    expect(existsSync(`/tmp/mat-debug-${pid}.log`)).toBe(false);
    expect(readdirSync(home).filter((name) => name.startsWith('mat-debug'))).toEqual([]);
  });

  it('warns of what it cuts from a prompt', async () => {
    const { stderr, status } = await onestep([
      'generate',
      `${'dog '.repeat(90)}END`,
      '--width',
      '64',
      '--height',
      '64',
    ]);
    expect(status).toBe(0);
    expect(stderr).toMatch(/warning: The prompt has 9\d tokens.*cut: ".*END"/);
    expect(existsSync(join(folder, 'onestep.png'))).toBe(true);
  });

  it.each([
    [['dog', '--height', '8192'], '--height: 8192 is not a whole number from 1 to 4096'],
    [['dog', '--seed', '4294967296'], '--seed: 4294967296 is not'],
    [['dog', '--width', '60'], '--width 60 does not work: it must be a multiple of 8'],
    [['dog', '--dump', 'nowhere/x'], 'the folder nowhere does not exist'],
    [['dog', '--model', '.'], 'no manifest.json'],
    [['dog', '--out', ''], '--out'],
    [['dog', '--out', 'folder/'], 'folder/ cannot be written: it names a folder'],
    [['dog', '--seed', '-x'], 'write --seed=VALUE'],
    [['dog', '--seed', '-1'], '--seed: -1 is not'],
    [['dog', '--seed=-1'], '--seed: -1 is not'],
  ])('names the fault of %j and exits with 2', async (words, message) => {
    const { status, stderr, stdout } = await onestep(['generate', ...words]);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toContain(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  it('leaves nothing half-written when it is interrupted', async () => {
    const place = join(folder, 'interrupted');
    mkdirSync(place);
    const words = ['generate', 'a dog', '--num', '16', '--out', 'x.png'];
    const child = spawn(process.execPath, [LAUNCH, ...words], {
      cwd: place,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    await new Promise((resolve) =>
      child.stderr.on('data', (text) => /x-1/.test(`${text}`) && resolve(text)),
    );
    child.kill('SIGINT');
    await new Promise((resolve) => child.once('exit', resolve));
    const images = readdirSync(place).filter((name) => name !== '.onestep');
    expect(images.length).toBeLessThan(16);
    for (const image of images) {
      expect(image).toMatch(/^x-\d+\.png$/);
      await expect(sharp(join(place, image)).raw().toBuffer()).resolves.toBeInstanceOf(Buffer);
    }
  });

  it('says that a folder is not writable', async () => {
    const place = join(folder, 'closed');
    mkdirSync(place);
    chmodSync(place, 0o500);
    const { status, stderr } = await onestep([
      'generate',
      'dog',
      '--width',
      '64',
      '--height',
      '64',
      '--out',
      'closed/x.png',
    ]);
    // Root may write everywhere.
    if (process.getuid?.() === 0) expect(status).toBe(0);
    else expect([status, stderr]).toEqual([2, expect.stringContaining('is not writable')]);
    chmodSync(place, 0o700);
  });
});

describe('onestep tokenize', () => {
  it('reads an array of strings and prints their tokens', async () => {
    const prompts = ['A photo of a dog.', `${'word '.repeat(80)}the end`];
    const { status, stdout } = await onestep(
      ['tokenize', '--tokenizer', TOKENIZER, '--json'],
      JSON.stringify(prompts),
    );
    expect(status).toBe(0);
    const [short, long] = JSON.parse(stdout);
    expect(short).toEqual({
      ids: [49406, 320, 1125, 539, 320, 1929, 269, 49407],
      tokens: 8,
      cut: '',
    });
    expect(long).toMatchObject({ tokens: 84, cut: 'word word word word word the end' });
    expect(long.ids).toHaveLength(77);
  });

  it.each(['{', '[1]'])('refuses %s with 2', async (input) => {
    const words = ['tokenize', '--tokenizer', TOKENIZER, '--json'];
    expect((await onestep(words, input)).status).toBe(2);
  });
});
