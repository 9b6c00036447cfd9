import { randomInt } from 'node:crypto';
import { extname } from 'node:path';
import type { CommandContext } from '#functions/cli/command.ts';
import { AppError } from '#shared/core/errors.ts';
import { IMAGE_FORMATS, type ImageFormat } from '#shared/core/inference.ts';
import { assertPictureSize } from '#shared/engine/pipeline/picture-size.ts';
import type { Device } from '#shared/engine/pipeline/sessions.ts';

const MAX_SEED = 2 ** 32 - 1;
const MAX_IMAGES = 16;
const DEFAULT_QUALITY = 90;

export interface GenerateOptions {
  readonly prompt: string;
  readonly seed: number;
  /** Pixels; the model's own size where not given. */
  readonly width: number | undefined;
  readonly height: number | undefined;
  readonly count: number;
  readonly format: ImageFormat;
  readonly quality: number;
  readonly out: string;
  readonly dump: string | undefined;
  /** Whether to put all pictures on one more. */
  readonly sheet: boolean;
  /** A model package; the demo model where not given. */
  readonly model: string | undefined;
  readonly data: string;
  readonly device: Device;
  readonly threads: number | undefined;
}

/**
 * Reads the words after `onestep generate`.
 *
 * @throws AppError `invalid-request` that names the option at fault
 */
export function readGenerateOptions({ values, positionals }: CommandContext): GenerateOptions {
  const [prompt, ...rest] = positionals;
  if (prompt === undefined || rest.length > 0) {
    throw new AppError(
      'invalid-request',
      `generate takes one prompt, in quotes; it got ${positionals.length} words.`,
    );
  }
  const text = (name: string): string | undefined => {
    const value = values[name];
    return typeof value === 'string' ? value : undefined;
  };
  const number = (name: string, min: number, max: number): number | undefined => {
    const value = text(name);
    if (value === undefined) return undefined;
    const parsed = Number(value);
    if (/^\d+$/.test(value) && parsed >= min && parsed <= max) return parsed;
    throw new AppError(
      'invalid-request',
      `--${name} ${value} does not work: it is a whole number from ${min} to ${max}.`,
    );
  };
  const count = number('num', 1, MAX_IMAGES) ?? 1;
  if (values['sheet'] === true && count === 1) {
    throw new AppError('invalid-request', '--sheet needs several pictures: add --num 4.');
  }
  const path = (name: string): string | undefined => {
    const value = text(name);
    if (value !== '') return value;
    throw new AppError('invalid-request', `--${name} needs a name.`);
  };
  const out = path('out');
  const format = readFormat(text('format'), out);
  return {
    prompt,
    seed: number('seed', 0, MAX_SEED) ?? randomInt(MAX_SEED + 1),
    width: number('width', 1, Number.MAX_SAFE_INTEGER),
    height: number('height', 1, Number.MAX_SAFE_INTEGER),
    count,
    format,
    quality: number('quality', 1, 100) ?? DEFAULT_QUALITY,
    out: out ?? `onestep.${format === 'jpeg' ? 'jpg' : format}`,
    dump: path('dump'),
    sheet: values['sheet'] === true,
    model: path('model'),
    data: path('data') ?? '.onestep',
    device: readDevice(text('device')),
    threads: number('threads', 1, 1024),
  };
}

/** Width and height, from the options or the model's own; checked against what the model can make. */
export function pictureSize(
  options: GenerateOptions,
  size: {
    readonly defaultWidth: number;
    readonly defaultHeight: number;
    readonly multiple: number;
  },
): { width: number; height: number } {
  const width = options.width ?? size.defaultWidth;
  const height = options.height ?? size.defaultHeight;
  assertPictureSize(width, height, size.multiple);
  return { width, height };
}

function readFormat(name: string | undefined, out: string | undefined): ImageFormat {
  const ending = extname(out ?? '').slice(1);
  const wanted = (name ?? (ending === '' ? 'png' : ending)).toLowerCase();
  const format = IMAGE_FORMATS.find((known) => known === (wanted === 'jpg' ? 'jpeg' : wanted));
  if (format !== undefined) return format;
  throw new AppError(
    'invalid-request',
    `"${wanted}" is not an image format that onestep writes; it writes ${IMAGE_FORMATS.join(', ')}.`,
  );
}

function readDevice(name = 'cpu'): Device {
  if (name === 'cpu' || name === 'cuda') return name;
  throw new AppError('invalid-request', `--device ${name} does not work: it is cpu or cuda.`);
}
