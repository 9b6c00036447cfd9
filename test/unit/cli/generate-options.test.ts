import { describe, expect, it } from 'vitest';
import type { CommandContext } from '#functions/cli/command.ts';
import { pictureSize, readGenerateOptions } from '#functions/cli/generate/options.ts';

const read = (values: CommandContext['values'], positionals: readonly string[] = ['a dog']) =>
  readGenerateOptions({ values, positionals } as unknown as CommandContext);

describe('readGenerateOptions', () => {
  it('needs nothing but a prompt', () => {
    const { seed, ...rest } = read({});
    expect(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32).toBe(true);
    expect(rest).toMatchObject({ prompt: 'a dog', count: 1, format: 'png', out: 'onestep.png' });
  });

  it.each([
    [{ out: 'x.JPG' }, 'jpeg', 'x.JPG'],
    [{ out: 'x.webp' }, 'webp', 'x.webp'],
    [{ out: 'x', format: 'webp' }, 'webp', 'x'],
    [{ out: 'x.dat', format: 'jpg' }, 'jpeg', 'x.dat'],
    [{ format: 'jpeg' }, 'jpeg', 'onestep.jpg'],
  ])('takes the format of %j', (values, format, out) => {
    expect(read(values)).toMatchObject({ format, out });
  });

  it.each([
    [{ seed: '1.5' }, '--seed 1.5'],
    [{ seed: '' }, '--seed  '],
    [{ num: '0' }, '--num 0'],
    [{ num: '17' }, '--num 17'],
    [{ width: 'wide' }, '--width wide'],
    [{ quality: '101' }, '--quality 101'],
    [{ threads: '0' }, '--threads 0'],
    [{ device: 'tpu' }, '--device tpu'],
    [{ out: 'x.gif' }, '"gif"'],
    [{ format: 'bmp' }, '"bmp"'],
  ])('names the fault of %j', (values, message) => {
    expect(() => read(values)).toThrow(message);
  });

  it.each([[[]], [['a', 'dog']]])('wants exactly one prompt, not %j', (words) => {
    expect(() => read({}, words)).toThrow('one prompt');
  });
});

describe('pictureSize', () => {
  const size = { defaultWidth: 256, defaultHeight: 192, multiple: 8 };

  it("takes the model's own size for what is not given", () => {
    expect(pictureSize(read({ width: '64' }), size)).toEqual({ width: 64, height: 192 });
  });

  it.each([
    [{ width: '250' }, /width 250 .* multiple of 8 .* 248/],
    [{ height: '4104' }, /height 4104 .* 4096/],
    [{ width: '3' }, /width 3 .* 8\.$/],
  ])('names the nearest size that works for %j', (values, message) => {
    expect(() => pictureSize(read(values), size)).toThrow(message);
  });
});
