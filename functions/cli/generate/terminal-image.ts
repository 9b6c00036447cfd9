/** How a terminal shows pictures: protocols of its own, or half blocks in all or in 256 colours. */
export type TerminalImages = 'kitty' | 'iterm2' | 'blocks' | 'blocks256';

/** The widest that a picture is shown, in columns. */
const MAX_COLUMNS = 48;
/** The kitty protocol takes base64 in pieces of this many characters. */
const KITTY_CHUNK = 4096;

/** Terminals that speak iTerm2's protocol, by `TERM_PROGRAM` or `LC_TERMINAL`. */
const ITERM2_PROGRAMS = new Set(['iTerm.app', 'iTerm2', 'WezTerm', 'mintty', 'rio']);
const KITTY_TERMS = new Set(['xterm-kitty', 'xterm-ghostty']);

/**
 * How the terminal can show pictures, according to its environment; undefined where that does not
 * say. A multiplexer swallows the protocols but passes colours on; `NO_COLOR` forbids pictures that
 * are made of colours (https://no-color.org).
 */
export function detectTerminalImages(
  env: Readonly<Record<string, string | undefined>>,
): TerminalImages | undefined {
  if (env['TERM'] === 'dumb') return undefined;
  const colours = env['NO_COLOR'] ? undefined : blocksOf(env);
  if (env['TMUX'] !== undefined || env['STY'] !== undefined) return colours;
  if (KITTY_TERMS.has(env['TERM'] ?? '') || env['KITTY_WINDOW_ID'] !== undefined) return 'kitty';
  const programs = [env['TERM_PROGRAM'] ?? '', env['LC_TERMINAL'] ?? ''];
  if (programs.some((program) => ITERM2_PROGRAMS.has(program))) return 'iterm2';
  return colours;
}

function blocksOf(
  env: Readonly<Record<string, string | undefined>>,
): 'blocks' | 'blocks256' | undefined {
  if (/^(truecolor|24bit)$/.test(env['COLORTERM'] ?? '')) return 'blocks';
  return /256color/.test(env['TERM'] ?? '') ? 'blocks256' : undefined;
}

/**
 * A picture as text for a terminal.
 *
 * @param file an encoded picture of any format that sharp reads
 * @param columns the terminal's width
 */
export async function renderForTerminal(
  file: Uint8Array,
  how: TerminalImages,
  columns: number,
): Promise<string> {
  const width = Math.max(1, Math.min(MAX_COLUMNS, columns - 1));
  if (how === 'blocks') return halfBlocks(file, width, (rgb) => `2;${rgb.join(';')}`);
  if (how === 'blocks256') return halfBlocks(file, width, (rgb) => `5;${nearestOf256(rgb)}`);
  const { default: sharp } = await import('sharp');
  const png = await sharp(file).png().toBuffer();
  return how === 'kitty' ? kitty(png, width) : iterm2(png, width);
}

/** https://sw.kovidgoyal.net/kitty/graphics-protocol/: transmit and display a PNG. */
function kitty(png: Buffer, columns: number): string {
  const base64 = png.toString('base64');
  const chunks = base64.match(new RegExp(`.{1,${KITTY_CHUNK}}`, 'g')) ?? [];
  const commands = chunks.map((chunk, i) => {
    // q=2: no answers, which would end up in the shell's input.
    const control = i === 0 ? `a=T,f=100,q=2,c=${columns},` : '';
    return `\u001b_G${control}m=${i < chunks.length - 1 ? 1 : 0};${chunk}\u001b\\`;
  });
  return `${commands.join('')}\n`;
}

/** https://iterm2.com/documentation-images.html */
function iterm2(png: Buffer, columns: number): string {
  const facts = `inline=1;size=${png.length};width=${columns};preserveAspectRatio=1`;
  return `\u001b]1337;File=${facts}:${png.toString('base64')}\u0007\n`;
}

type Rgb = readonly [red: number, green: number, blue: number];

/** The values of the six steps in the cube of 6 × 6 × 6 colours among a terminal's 256. */
const STEPS = [0, 95, 135, 175, 215, 255];

function nearestOf256(rgb: Rgb): number {
  const [red = 0, green = 0, blue = 0] = rgb.map((value) => {
    const distances = STEPS.map((step) => Math.abs(step - value));
    return distances.indexOf(Math.min(...distances));
  });
  return 16 + 36 * red + 6 * green + blue;
}

/** Two pixels in each cell: the upper is the colour of `▀`, the lower that of its background. */
async function halfBlocks(
  file: Uint8Array,
  columns: number,
  codeOf: (rgb: Rgb) => string,
): Promise<string> {
  const { default: sharp } = await import('sharp');
  const { data, info } = await sharp(file)
    .removeAlpha()
    .toColourspace('srgb')
    .resize({ width: columns })
    .raw()
    .toBuffer({ resolveWithObject: true });
  const colour = (x: number, y: number): string => {
    // An odd height repeats its last row.
    const at = (Math.min(y, info.height - 1) * info.width + x) * info.channels;
    return codeOf([data[at] ?? 0, data[at + 1] ?? 0, data[at + 2] ?? 0]);
  };
  const lines: string[] = [];
  for (let y = 0; y < info.height; y += 2) {
    let line = '';
    for (let x = 0; x < info.width; x++) {
      line += `\u001b[38;${colour(x, y)};48;${colour(x, y + 1)}m▀`;
    }
    lines.push(`${line}\u001b[0m\n`);
  }
  return lines.join('');
}
