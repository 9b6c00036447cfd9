import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { contactSheet } from '#functions/cli/generate/contact-sheet.ts';
import { showingMode } from '#functions/cli/generate/show-pictures.ts';
import { detectTerminalImages, renderForTerminal } from '#functions/cli/generate/terminal-image.ts';

/** A picture of 4×3 pixels: its rows are red, green and blue. */
const picture = await sharp(
  Buffer.from(
    [
      [255, 0, 0],
      [0, 255, 0],
      [0, 0, 255],
    ].flatMap((rgb) => Array(4).fill(rgb).flat()),
  ),
  { raw: { width: 4, height: 3, channels: 3 } },
)
  .webp({ lossless: true })
  .toBuffer();

describe('detectTerminalImages', () => {
  it.each([
    [{ TERM: 'xterm-kitty' }, 'kitty'],
    [{ TERM: 'xterm-256color', KITTY_WINDOW_ID: '1' }, 'kitty'],
    [{ TERM: 'xterm-ghostty' }, 'kitty'],
    [{ TERM: 'xterm-256color', TERM_PROGRAM: 'iTerm.app' }, 'iterm2'],
    [{ TERM: 'xterm-256color', LC_TERMINAL: 'iTerm2' }, 'iterm2'],
    [{ TERM_PROGRAM: 'WezTerm' }, 'iterm2'],
    [{ TERM: 'xterm-256color', COLORTERM: 'truecolor' }, 'blocks'],
    [{ TERM: 'tmux-256color', TMUX: '/tmp/t', TERM_PROGRAM: 'iTerm.app' }, 'blocks256'],
    [{ TERM: 'screen', STY: '1', COLORTERM: '24bit', KITTY_WINDOW_ID: '1' }, 'blocks'],
    [{ TERM: 'dumb', COLORTERM: 'truecolor' }, undefined],
    [{ TERM: 'xterm-256color' }, 'blocks256'],
    [{ TERM: 'xterm-256color', NO_COLOR: '1' }, undefined],
    [{ TERM: 'xterm-kitty', NO_COLOR: '1' }, 'kitty'],
    [{ TERM: 'xterm' }, undefined],
    [{}, undefined],
  ])('%j shows pictures by %s', (env, how) => {
    expect(detectTerminalImages(env)).toBe(how);
  });
});

describe('showingMode', () => {
  const kitty = { TERM: 'xterm-kitty' };
  it.each([
    [{}, true, kitty, 'kitty'],
    [{}, true, {}, undefined],
    [{ show: true }, true, {}, 'blocks'],
    [{ show: true }, false, kitty, undefined],
    [{ show: true, json: true }, true, kitty, undefined],
    [{ quiet: true }, true, kitty, undefined],
  ])('with %j, a terminal: %s, in %j: %s', (given, isTTY, env, how) => {
    const options = { show: false, json: false, quiet: false, help: false, ...given };
    expect(showingMode({ options, stdout: { isTTY }, env })).toBe(how);
  });
});

describe('renderForTerminal', () => {
  it('draws with the nearest of 256 colours', async () => {
    expect(await renderForTerminal(picture, 'blocks256', 5)).toContain('\u001b[38;5;196;48;5;46m▀');
  });

  it('sends a PNG in pieces to kitty', async () => {
    const noise = await sharp({
      create: {
        width: 64,
        height: 64,
        channels: 3,
        background: 'black',
        noise: { type: 'gaussian', mean: 128, sigma: 30 },
      },
    })
      .jpeg()
      .toBuffer();
    const text = await renderForTerminal(noise, 'kitty', 30);
    const pieces = text
      .split('\u001b_G')
      .slice(1)
      .map((piece) => piece.split(/[;\\]/));
    expect(pieces.length).toBeGreaterThan(1);
    expect(pieces.map(([control]) => control)).toEqual([
      'a=T,f=100,q=2,c=29,m=1',
      ...pieces.slice(2).map(() => 'm=1'),
      'm=0',
    ]);
    expect(pieces.every(([, data]) => (data?.length ?? 0) <= 4097)).toBe(true);
    const png = Buffer.from(pieces.map(([, data]) => data?.slice(0, -1)).join(''), 'base64');
    expect(await sharp(png).metadata()).toMatchObject({ format: 'png', width: 64, height: 64 });
  });

  it('sends a PNG to iTerm2', async () => {
    const text = await renderForTerminal(picture, 'iterm2', 200);
    const png = Buffer.from(text.slice(text.indexOf(':') + 1, -2), 'base64');
    const facts = `inline=1;size=${png.length};width=48;preserveAspectRatio=1`;
    expect(text).toBe(`\u001b]1337;File=${facts}:${png.toString('base64')}\u0007\n`);
    expect(await sharp(png).metadata()).toMatchObject({ format: 'png', width: 4, height: 3 });
  });

  it('puts two pixels into a cell', async () => {
    const text = await renderForTerminal(picture, 'blocks', 5);
    const cell = (upper: string, lower: string) => `\u001b[38;2;${upper};48;2;${lower}m▀`;
    expect(text).toBe(
      `${cell('255;0;0', '0;255;0').repeat(4)}\u001b[0m\n${cell('0;0;255', '0;0;255').repeat(4)}\u001b[0m\n`,
    );
  });
});

describe('contactSheet', () => {
  it('puts pictures into rows, in their order', async () => {
    const files = await Promise.all(
      ['#ff0000', '#00ff00', '#0000ff'].map((background) =>
        sharp({ create: { width: 40, height: 20, channels: 3, background } })
          .jpeg()
          .toBuffer(),
      ),
    );
    const { data, info } = await sharp(await contactSheet(files))
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect([info.width, info.height]).toEqual([3 * 16 + 2 * 40, 3 * 16 + 2 * 20]);
    const at = (x: number, y: number) => {
      const start = (y * info.width + x) * info.channels;
      return [...data.subarray(start, start + 3)].map((value) => Math.round(value / 64));
    };
    expect([at(36, 26), at(92, 26), at(36, 62), at(92, 62)]).toEqual([
      [4, 0, 0],
      [0, 4, 0],
      [0, 0, 4],
      [0, 0, 0],
    ]);
  });
});
