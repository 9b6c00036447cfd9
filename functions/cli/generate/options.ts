import { randomInt } from 'node:crypto';
import { extname } from 'node:path';
import { type CommandContext, flag, option } from '#functions/cli/command.ts';
import { choice, path, whole } from '#functions/cli/option-types.ts';
import { AppError } from '#shared/core/errors.ts';
import { IMAGE_FORMATS, type ImageFormat } from '#shared/core/inference.ts';
import type { Manifest } from '#shared/engine/package/manifest.ts';
import { assertPictureSize, MAX_SIDE } from '#shared/engine/pipeline/picture-size.ts';

const MAX_SEED = 2 ** 32 - 1;
const MAX_IMAGES = 16;

export const GENERATE_OPTIONS = {
  out: option('FILE', 'default: onestep.png; with --num 3: onestep-0.png …', path(), 'o'),
  seed: option(
    'N',
    `0 to ${MAX_SEED}; image i uses seed + i; default: random`,
    whole(0, MAX_SEED).default(() => randomInt(MAX_SEED + 1)),
  ),
  width: option('PX', "default: the model's own", whole(1, MAX_SIDE)),
  height: option('PX', "default: the model's own", whole(1, MAX_SIDE)),
  num: option('N', `how many pictures, 1 to ${MAX_IMAGES}`, whole(1, MAX_IMAGES).default(1), 'n'),
  format: option('F', "png, jpeg or webp; default: by the file's name"),
  quality: option('Q', '1 to 100, for jpeg and webp; default: 90', whole(1, 100).default(90)),
  model: option('PKG', 'a model package; default: the demo model', path()),
  data: option('DIR', 'where the demo model is unpacked; default: ./.onestep', path()),
  dump: option('FILE', 'also write the tensors between the stages (safetensors)', path()),
  sheet: flag('with --num, also put all pictures on one: onestep-sheet.png'),
  show: flag('show the picture in this terminal, even if it does not say that it can'),
  decoder: option('draft', "by the package's smaller decoder", choice(['draft'])),
  device: option('D', 'cpu or cuda; default: cpu', choice(['cpu', 'cuda']).default('cpu')),
  threads: option('N', 'default: one per processor', whole(1, 1024)),
};

type Given = CommandContext<typeof GENERATE_OPTIONS>['options'];

/** How to make and encode pictures, in one consistent set. */
export interface GenerateOptions extends Given {
  readonly prompt: string;
  readonly format: ImageFormat;
  readonly out: string;
}

/**
 * The options of `onestep generate`, with those that depend on others.
 *
 * @throws AppError `invalid-request` that names the option at fault
 */
export function readGenerateOptions(prompt: string, given: Given): GenerateOptions {
  if (given.sheet && given.num === 1) {
    throw new AppError('invalid-request', '--sheet needs several pictures: add --num 4.');
  }
  const format = readFormat(given.format, given.out);
  const out = given.out ?? `onestep.${format === 'jpeg' ? 'jpg' : format}`;
  return { ...given, prompt, format, out };
}

/** Width and height, from the options or the model's own; checked against what the model can make. */
export function pictureSize(
  { width, height }: Pick<GenerateOptions, 'width' | 'height'>,
  size: Manifest['size'],
): { width: number; height: number } {
  const wanted = { width: width ?? size.defaultWidth, height: height ?? size.defaultHeight };
  assertPictureSize(wanted.width, wanted.height, size.multiple, '--');
  return wanted;
}

/** The format that `--format` names, else the one that the file's ending does. */
function readFormat(name: string | undefined, out: string | undefined): ImageFormat {
  const ending = extname(out ?? '').slice(1);
  const wanted = (name ?? (ending === '' ? 'png' : ending)).toLowerCase();
  const format = IMAGE_FORMATS.find((known) => known === (wanted === 'jpg' ? 'jpeg' : wanted));
  if (format !== undefined) return format;
  throw new AppError(
    'invalid-request',
    `--${name === undefined ? 'out' : 'format'}: ${wanted} is not one of ${IMAGE_FORMATS.join(', ')}.`,
  );
}
