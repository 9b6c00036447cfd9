import { describe, expect, it } from 'vitest';
import { defineCommand } from '#functions/cli/command.ts';
import { generate } from '#functions/cli/commands/generate.ts';
import {
  GENERATE_OPTIONS,
  type GenerateOptions,
  pictureSize,
  readGenerateOptions,
} from '#functions/cli/generate/options.ts';
import { oneWord } from '#functions/cli/option-types.ts';
import { runCommand } from '#test/helpers/run-command.ts';

/** What `onestep generate` makes of its options. */
async function read(given: Readonly<Record<string, string>>): Promise<GenerateOptions> {
  let options: GenerateOptions | undefined;
  const probe = defineCommand({
    ...generate,
    options: GENERATE_OPTIONS,
    positionals: oneWord('one prompt'),
    run: async (context) => {
      options = readGenerateOptions(context.positionals[0], context.options);
    },
  });
  const words = Object.entries(given).map(([name, value]) => `--${name}=${value}`);
  await runCommand('generate', probe, ['a dog', ...words]);
  if (options === undefined) throw new Error('The command did not run.');
  return options;
}

describe('readGenerateOptions', () => {
  it('needs nothing but a prompt', async () => {
    const { seed, ...rest } = await read({});
    expect(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32).toBe(true);
    expect(rest).toMatchObject({ prompt: 'a dog', num: 1, format: 'png', out: 'onestep.png' });
  });

  it.each([
    [{ out: 'x.JPG' }, 'jpeg', 'x.JPG'],
    [{ out: 'x.webp' }, 'webp', 'x.webp'],
    [{ out: 'x', format: 'webp' }, 'webp', 'x'],
    [{ out: 'x.dat', format: 'jpg' }, 'jpeg', 'x.dat'],
    [{ format: 'jpeg' }, 'jpeg', 'onestep.jpg'],
  ])('takes the format of %j', async (values, format, out) => {
    expect(await read(values)).toMatchObject({ format, out });
  });

  it.each([
    [{ seed: '1.5' }, '--seed: 1.5'],
    [{ seed: '' }, '--seed: "" is not a number'],
    [{ num: '0' }, '--num: 0'],
    [{ num: '17' }, '--num: 17'],
    [{ height: '4104' }, '--height: 4104 is not a whole number from 1 to 4096'],
    [{ width: 'wide' }, '--width: wide is not a number'],
    [{ quality: '101' }, '--quality: 101'],
    [{ threads: '0' }, '--threads: 0'],
    [{ device: 'tpu' }, '--device: tpu'],
    [{ out: 'x.gif' }, '--out: gif'],
    [{ format: 'bmp' }, '--format: bmp'],
  ])('names the fault of %j', async (values, message) => {
    await expect(read(values)).rejects.toThrow(message);
  });

  it.each([[[]], [['a', 'dog']]])('wants exactly one prompt, not %j', async (words) => {
    await expect(runCommand('generate', generate, words)).rejects.toThrow('one prompt');
  });
});

describe('pictureSize', () => {
  const size = { defaultWidth: 256, defaultHeight: 192, multiple: 8 };

  it("takes the model's own size for what is not given", async () => {
    expect(pictureSize(await read({ width: '64' }), size)).toEqual({ width: 64, height: 192 });
  });

  it.each([
    [{ width: '250' }, /--width 250 .* multiple of 8 .* 248/],
    [{ height: '4090' }, /--height 4090 .* 4088/],
    [{ width: '3' }, /--width 3 .* 8\.$/],
  ])('names the nearest size that works for %j', async (values, message) => {
    const options = await read(values);
    expect(() => pictureSize(options, size)).toThrow(message);
  });
});
