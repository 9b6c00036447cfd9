import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { z } from 'zod';
import { engineReport, measureEngine } from '#functions/cli/bench/engine.ts';
import { SHAPES } from '#functions/cli/bench/engine-task.ts';
import { type CommandContext, defineCommand, flag, option } from '#functions/cli/command.ts';
import { withInterrupt } from '#functions/cli/interrupt.ts';
import { choice, path, whole } from '#functions/cli/option-types.ts';
import { AppError } from '#shared/core/errors.ts';
import { MAX_SIDE } from '#shared/engine/pipeline/picture-size.ts';

const NAME_IT = 'Name what to measure: engine';
const DEFAULT_RUNS = 2;
const DEFAULT_GPU_RUNS = 6;

const OPTIONS = {
  shape: option(
    'SHAPE',
    "sdxl (random weights, default), decoders (SDXL's and a small one) or demo",
    choice(SHAPES).default('sdxl'),
  ),
  size: option('PIXELS', "side of the image; default: the model's", whole(1, MAX_SIDE)),
  dtype: option(
    'TYPE',
    'fp32 (default on a CPU), fp16 (the only one on a GPU) or int8 (all of it, without measuring likeness)',
    choice(['fp32', 'fp16', 'int8']),
  ),
  decoder: option(
    'NAME',
    "tiny: with a decoder of TAESDXL's size besides, for drafts",
    choice(['vae', 'tiny']).default('vae'),
  ),
  device: option('DEVICE', 'cpu (default) or cuda', choice(['cpu', 'cuda']).default('cpu')),
  runs: option(
    'N',
    `images, the first of them cold; default: ${DEFAULT_RUNS}, on a GPU ${DEFAULT_GPU_RUNS}`,
    whole(1),
  ),
  compare: option(
    'WITH',
    'cpu (default on a GPU): draw the image on the CPU too and measure the difference; or none',
    choice(['cpu', 'none']),
  ),
  profile: flag('draw two more images and say what each kind of operator took in the second'),
  dir: option('DIR', 'where the files go until the end', path().default(tmpdir)),
  model: option('PKG', 'measure this package instead', path()),
};

export const bench = defineCommand({
  summary: 'measure the engine on this machine',
  usage: 'engine [options]',
  options: OPTIONS,
  positionals: z.tuple([z.literal('engine', NAME_IT)], NAME_IT),
  examples: [
    'onestep bench engine --shape sdxl --size 1024 --json',
    'onestep bench engine --dtype int8 --decoder tiny --size 1024 --json',
    'onestep bench engine --shape demo',
    'onestep bench engine --shape decoders',
    'onestep bench engine --profile',
    'onestep bench engine --device cuda --size 1024 --json',
  ],
  async run(context) {
    const { stderr } = context;
    const settings = readSettings(context.options);
    const report = await withInterrupt('bench', (signal) =>
      measureEngine(settings, stderr, signal),
    );
    context.print(report, engineReport(report));
  },
});

function readSettings(options: CommandContext<typeof OPTIONS>['options']) {
  const { shape, size, device, model, dir, decoder, profile } = options;
  if (model !== undefined && !existsSync(model)) {
    throw new AppError('file-not-found', `--model: ${model} does not exist.`);
  }
  const isGpu = device === 'cuda';
  if (isGpu && options.dtype !== undefined && options.dtype !== 'fp16') {
    throw new AppError('invalid-request', '--dtype: CUDA draws from float16 only.');
  }
  return {
    shape,
    decoder,
    dtype: isGpu ? ('fp16' as const) : (options.dtype ?? 'fp32'),
    device,
    size,
    runs: options.runs ?? (isGpu ? DEFAULT_GPU_RUNS : DEFAULT_RUNS),
    compare: options.compare ?? (isGpu ? ('cpu' as const) : ('none' as const)),
    profile,
    model,
    dir,
  };
}
