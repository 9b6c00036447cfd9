import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { z } from 'zod';
import { dataPath } from '#functions/cli/client/service.ts';
import {
  type CommandContext,
  defineCommand,
  flag,
  option,
  repeated,
} from '#functions/cli/command.ts';
import { readLora } from '#functions/cli/import/lora-option.ts';
import { fetchSources, type ModelSources } from '#functions/cli/import/model-sources.ts';
import { RECIPE_OPTIONS, readRecipe } from '#functions/cli/import/recipe-option.ts';
import { reportProgress } from '#functions/cli/import/report-download.ts';
import { withInterrupt } from '#functions/cli/interrupt.ts';
import { choice, path } from '#functions/cli/option-types.ts';
import { systemClock } from '#shared/core/clock.ts';
import { AppError } from '#shared/core/errors.ts';
import { recipeText } from '#shared/core/recipe.ts';
import { createProgressMeter } from '#shared/engine/hub/progress-meter.ts';
import { recipeOfImport } from '#shared/engine/package/choose-recipe.ts';
import { BAR_DB } from '#shared/engine/int8/choose-int8.ts';
import { importInt8, readCalibration } from '#shared/engine/int8/import-int8.ts';
import { importModel } from '#shared/engine/package/import-model.ts';
import { int8Text } from '#shared/engine/package/int8-choice.ts';
import { unetRepository } from '#shared/engine/package/known-models.ts';
import {
  MANIFEST_FILE,
  type Manifest,
  readManifest,
  recipeOf,
} from '#shared/engine/package/manifest.ts';
import { slowInt8Warning } from '#shared/engine/pipeline/integer-products.ts';
import type { Lora } from '#shared/engine/package/merge-lora.ts';

const OPTIONS = {
  repo: option('DIR', 'a folder laid out as stable-diffusion-xl-base-1.0 is', path()),
  unet: option(
    'FILE',
    'take the UNet from here: .safetensors or .bin, or OWNER/NAME/FILE on the hub',
    path(),
  ),
  checkpoint: option(
    'FILE',
    'take all weights from this one file (or OWNER/NAME/FILE); the repository describes them',
    path(),
  ),
  vae: option(
    'DIR',
    'another decoder: a folder with config.json and weights, or OWNER/NAME',
    path(),
  ),
  'draft-vae': option('DIR', 'a second, smaller decoder, ordered by decoder: "draft"', path()),
  lora: repeated('FILE[:SCALE]', 'merge a LoRA into the weights; may be given several times'),
  ...RECIPE_OPTIONS,
  dtype: option(
    'TYPE',
    'fp32 (exact, default), fp16 (for a GPU) or int8 (fastest on a CPU with VNNI or the like)',
    choice(['fp32', 'fp16', 'int8']).default('fp32'),
  ),
  calibration: option(
    'MANIFEST',
    'int8: what an earlier import of this model chose, by its manifest, instead of minutes of measuring',
    path(),
  ),
  accept: flag(
    `int8: take the package even if its pictures are not within ${BAR_DB} dB of float32's`,
  ),
  out: option(
    'PKG',
    'the new package, a folder; default with a name: models/NAME in the data folder',
    path(),
  ),
  data: option('DIR', 'where downloads are kept; default: ./.onestep', path()),
  name: option(
    '[OWNER/]NAME',
    "how clients name it; default: as on the hub, else local/ and the folder's name",
  ),
  link: flag('share tensors that fit with their files instead of copying'),
};

export const importCommand = defineCommand({
  summary: 'make a model package from an SDXL repository',
  usage:
    'OWNER/NAME[@REVISION] | --repo DIR [--unet FILE] [--dtype fp32|fp16|int8] [--out PKG] [options]',
  options: OPTIONS,
  positionals: z.array(z.string()).max(1, 'import takes one OWNER/NAME, or --repo DIR'),
  examples: [
    'onestep import syzhang0805/disback',
    'onestep import stabilityai/stable-diffusion-xl-base-1.0 --unet SYZhang0805/DisBack/SDXL_DisBack.bin',
    'onestep import --repo stable-diffusion-xl-base-1.0 --unet SDXL_DisBack.bin --dtype fp32 --out disback',
    'onestep import --repo models/demo/repo --unet models/demo/onestep_unet.bin --out /tmp/demo',
  ],
  run,
});

type Context = CommandContext<typeof OPTIONS>;

async function run(context: Context): Promise<void> {
  const { options, positionals, env, stderr } = context;
  const { checkpoint, dtype, link } = options;
  const data = dataPath(env, options.data);
  const known = knownUnet(context);
  const unet = known?.unet ?? options.unet;
  const given = known?.base ?? positionals[0];
  if (given !== undefined && options.repo !== undefined) {
    throw new AppError('invalid-request', `Name ${given} or --repo, not both.`);
  }
  const repository = given ?? options.repo;
  if (repository === undefined) {
    throw new AppError('invalid-request', 'import needs --repo DIR, or an OWNER/NAME on the hub.');
  }
  const recipe = readRecipe(options);
  const int8 = int8Options(context);
  const loras = options.lora.map(readLora);
  const started = performance.now();
  const { out, manifest } = await withInterrupt('import', async (signal) => {
    const isFolder = given === undefined;
    const place = options.out ?? join(data, 'models');
    const decoders = { vae: options.vae, draftVae: options['draft-vae'] };
    const files = { repository, isFolder, unet, checkpoint, ...decoders, loras };
    // Before gigabytes are fetched for a model whose recipe is unknown.
    const check = (sources: ModelSources) => void recipeOfImport({ ...sources, recipe });
    const wanted = { ...files, dtype, data, link, out: place, check };
    const sources = await fetchSources(wanted, { env, stderr }, signal);
    // A model from the hub is known by its name there; one from a folder goes where --out says.
    const named = options.name?.split('/') ?? [];
    const [owner, hubModel] = sources.hubName ?? [];
    const name = named.at(-1) ?? hubModel;
    const out = options.out ?? (name && join(data, 'models', modelName(name)));
    if (out === undefined) throw new AppError('invalid-request', 'import needs --out PKG.');
    if (options.out === undefined) assertSameModel(out, sources);
    const facts = {
      ...sources,
      recipe,
      out,
      name: name === undefined ? nameOfFolder(out) : modelName(name),
      owner: ownerName(named.length > 1 ? named[0] : owner),
      link,
      processId: process.pid,
      signal,
      onProgress: stderr.isTTY ? reportWriting(stderr) : () => undefined,
    };
    const importing =
      dtype === 'int8'
        ? importInt8({ ...facts, ...int8, onStep: (what) => stderr.write(`int8: ${what}\n`) })
        : importModel({ ...facts, dtype });
    const clearLine = () => stderr.write(stderr.isTTY ? '\r\u001b[K' : '');
    return { out, manifest: await importing.finally(clearLine) };
  });
  const seconds = (performance.now() - started) / 1000;
  if (!options.json) {
    const bytes = Object.values(manifest.files).reduce((sum, file) => sum + file.bytes, 0);
    stderr.write(factsText(manifest));
    const slow = slowInt8Warning(manifest);
    if (slow !== undefined) stderr.write(`warning: ${slow}\n`);
    stderr.write(`${out}: ${manifest.name}, ${megabytes(bytes)} in ${seconds.toFixed(1)} s\n`);
  }
  context.print(manifest, `${manifest.digest}\n`);
}

/** @throws AppError `invalid-request` for what only an import to int8 takes */
function int8Options({ options: { dtype, calibration, accept } }: Pick<Context, 'options'>) {
  const given = calibration === undefined ? 'accept' : 'calibration';
  if (dtype !== 'int8' && (accept || calibration !== undefined)) {
    throw new AppError('invalid-request', `--${given} is for --dtype int8.`);
  }
  return {
    accept,
    calibration: calibration === undefined ? undefined : readCalibration(calibration),
  };
}

/** `syzhang0805/disback` alone is enough: where the rest of such a model is from is known. */
function knownUnet({ options, positionals }: Pick<Context, 'options' | 'positionals'>) {
  const [given] = positionals;
  const isMeant = options.unet === undefined && options.checkpoint === undefined;
  return given !== undefined && isMeant && !existsSync(given) ? unetRepository(given) : undefined;
}

/** Which file each part came from, and how the model makes an image. */
function factsText(manifest: Manifest): string {
  const parts = Object.entries(manifest.source.parts ?? {});
  const loras = (manifest.loras ?? []).map(({ file, scale }) => ['lora', `${file} at ${scale}`]);
  const int8 = manifest.int8 === undefined ? [] : [['int8', int8Text(manifest.int8)]];
  const facts = [...parts, ...loras, ['recipe', recipeText(recipeOf(manifest))], ...int8];
  return facts.map(([label, fact]) => `${label}: ${fact}\n`).join('');
}

/**
 * Checks that a folder chosen by the model's name does not hold another model of that name.
 *
 * @throws AppError `conflict`
 */
function assertSameModel(out: string, { source, loras = [], originOf }: ModelSources): void {
  if (source === undefined || !existsSync(join(out, MANIFEST_FILE))) return;
  const there = readManifest(out);
  const modelOf = (
    { repository, unet = repository }: Manifest['source'],
    merged: readonly Pick<Lora, 'file' | 'scale'>[],
  ) =>
    [unet, ...merged.map(({ file, scale }) => `${file} at ${scale}`)]
      .map((file) => file.replace(/@[0-9a-f]+/, ''))
      .join(' with ');
  const wanted = loras.map(({ file, scale }) => ({ file: originOf?.(file) ?? file, scale }));
  const held = modelOf(there.source, there.loras ?? []);
  if (held === modelOf(source, wanted)) return;
  throw new AppError(
    'conflict',
    `${out} holds a model made from ${held}; name this one with --name or --out.`,
  );
}

/** The part of a text that is fit for a URL and a JSON key; may be empty. */
const usableName = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, 64);

/** A package's name must be usable in a URL and a JSON key. */
function modelName(text: string): string {
  const name = usableName(text);
  if (name !== '') return name;
  throw new AppError('invalid-request', 'Name the model with --name NAME.');
}

/** A folder may have a name that no model can have. */
const nameOfFolder = (folder: string): string => usableName(basename(resolve(folder))) || 'model';

function ownerName(text: string | undefined): string | undefined {
  return text === undefined ? undefined : modelName(text);
}

/** Reports how much of the package is written, how fast, and how long the rest will take. */
function reportWriting(stderr: CommandContext['stderr']) {
  const report = reportProgress(stderr, 'imported');
  let meter: ReturnType<typeof createProgressMeter> | undefined;
  let before = 0;
  return ({ bytes, of }: { bytes: number; of: number }) => {
    meter ??= createProgressMeter(of, 0, systemClock);
    report(meter(bytes - before));
    before = bytes;
  };
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
