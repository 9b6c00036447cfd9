import { type CommandContext, defineCommand, flag } from '#functions/cli/command.ts';
import { oneWord } from '#functions/cli/option-types.ts';
import { AppError } from '#shared/core/errors.ts';
import { recipeText } from '#shared/core/recipe.ts';
import { checkFiles } from '#shared/engine/package/check-files.ts';
import { int8Text } from '#shared/engine/package/int8-choice.ts';
import {
  formerRecipeWarning,
  type Manifest,
  readManifest,
  recipeOf,
} from '#shared/engine/package/manifest.ts';
import { slowInt8Warning } from '#shared/engine/pipeline/integer-products.ts';
import { loadPipeline, type Pipeline } from '#shared/engine/pipeline/pipeline.ts';

/** Latents on each side of the trial image: small, and enough for every level of a UNet. */
const TRIAL_LATENTS = 8;

const OPTIONS = {
  'files-only': flag('only compare the files with the manifest'),
};

export const doctor = defineCommand({
  summary: 'check a model package: its files, its graphs, a trial image',
  usage: 'PKG [options]',
  options: OPTIONS,
  positionals: oneWord('doctor takes one model package: onestep doctor PKG'),
  examples: ['onestep doctor /tmp/demo', 'onestep doctor disback --json'],
  run,
});

async function run({
  options,
  positionals: [folder],
  stdout,
  stderr,
}: CommandContext<typeof OPTIONS, readonly [string]>): Promise<void> {
  const manifest = readManifest(folder);
  stderr.write(`${manifest.name}: ${manifest.dtype}, ${manifest.digest.slice(0, 12)}\n`);
  for (const warning of [formerRecipeWarning(manifest), slowInt8Warning(manifest)]) {
    if (warning !== undefined) stderr.write(`warning: ${warning}\n`);
  }
  if (manifest.int8 !== undefined) stderr.write(`int8: ${int8Text(manifest.int8)}\n`);
  stderr.write(`recipe: ${recipeText(recipeOf(manifest))}\n`);
  const faults = await checkFiles(folder, manifest);
  if (faults.length === 0) {
    stderr.write(`files: ${Object.keys(manifest.files).length} as the manifest says\n`);
    if (!options['files-only']) faults.push(...(await drawTrials(folder, manifest, stderr)));
  }
  if (options.json) {
    const { name, digest } = manifest;
    const recipe = recipeOf(manifest);
    stdout.write(`${JSON.stringify({ ok: faults.length === 0, name, digest, recipe, faults })}\n`);
  }
  if (faults.length > 0) {
    const found = faults.map((fault) => fault.replace(/\.$/, '')).join('; ');
    throw new AppError('invalid-file', `${folder}: ${found}. Import the model again.`);
  }
  if (!options.json) stdout.write(`${folder} is whole\n`);
}

/** Loads the graphs and draws one small image by each decoder; returns what is wrong with them. */
async function drawTrials(
  folder: string,
  { draft }: Manifest,
  stderr: CommandContext['stderr'],
): Promise<string[]> {
  try {
    const pipeline = await loadPipeline(folder, { device: 'cpu' });
    stderr.write(`graphs: loaded in ${Math.round(pipeline.loadMs)} ms\n`);
    try {
      const own = await drawTrial(pipeline, undefined, stderr);
      return draft === undefined ? own : [...own, ...(await drawTrial(pipeline, 'draft', stderr))];
    } finally {
      await pipeline.close();
    }
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return [error.message];
  }
}

async function drawTrial(
  pipeline: Pipeline,
  decoder: 'draft' | undefined,
  stderr: CommandContext['stderr'],
): Promise<string[]> {
  const side = TRIAL_LATENTS * pipeline.manifest.size.multiple;
  const kind = decoder ?? 'image';
  const request = { prompt: '', seed: 0, width: side, height: side, numOutputs: 1, decoder };
  for await (const { ms, pixels } of pipeline.generate(request)) {
    const total = Math.round(ms.text + ms.unet + ms.vae);
    stderr.write(`${kind}: ${side}×${side} in ${total} ms\n`);
    if (pixels.length !== side * side * 3) {
      return [`its pictures are not ${side}×${side} where the manifest says so`];
    }
    if (pixels.every((value, index) => value === pixels[index % 3])) {
      return [`its trial ${kind} has a single colour`];
    }
  }
  return [];
}
