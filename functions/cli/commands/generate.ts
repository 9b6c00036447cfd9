import { readFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join, parse } from 'node:path';
import { type CommandContext, defineCommand } from '#functions/cli/command.ts';
import { contactSheet } from '#functions/cli/generate/contact-sheet.ts';
import { dumpStages } from '#functions/cli/generate/dump-stages.ts';
import {
  GENERATE_OPTIONS,
  type GenerateOptions,
  pictureSize,
  readGenerateOptions,
} from '#functions/cli/generate/options.ts';
import { createProgress } from '#functions/cli/generate/progress.ts';
import { showingMode, showPictures } from '#functions/cli/generate/show-pictures.ts';
import { withInterrupt } from '#functions/cli/interrupt.ts';
import { oneWord } from '#functions/cli/option-types.ts';
import { assertWritable, writeOutput } from '#functions/cli/output-file.ts';
import { ensureDemoModel } from '#functions/local/demo-model.ts';
import { localMarking } from '#functions/local/local-marking.ts';
import { randomBytes } from '#functions/local/random-bytes.ts';
import { CONFIG_FILE, loadServeConfig } from '#functions/local/serve-config.ts';
import { systemClock } from '#shared/core/clock.ts';
import { defined } from '#shared/core/defined.ts';
import { AppError } from '#shared/core/errors.ts';
import { createUlid } from '#shared/core/ids.ts';
import type { ImageRecord, Receipt } from '#shared/core/inference.ts';
import { formerRecipeWarning, readManifest, recipeOf } from '#shared/engine/package/manifest.ts';
import { encodeImage } from '#shared/engine/pipeline/encode-image.ts';
import { ENGINE_VERSION } from '#shared/engine/pipeline/engine-version.ts';
import { slowInt8Warning } from '#shared/engine/pipeline/integer-products.ts';
import { loadPipeline, type Picture, type Pipeline } from '#shared/engine/pipeline/pipeline.ts';
import { validityProblem } from '#shared/provenance/c2pa/claim-signer.ts';
import { signImage } from '#shared/provenance/c2pa/sign-image.ts';
import type { Marking } from '#shared/provenance/marking.ts';

export const generate = defineCommand({
  summary: 'make pictures from a prompt, here and now',
  usage: '"PROMPT" | - [options]',
  options: GENERATE_OPTIONS,
  positionals: oneWord('generate takes one prompt, in quotes'),
  examples: [
    'onestep generate "A photo of a dog." --seed 0 --out dog.png',
    'onestep generate "a red house by the sea at sunset" --width 384 --height 256 --num 4 --json',
    'onestep generate "A photo of a dog." --model ./disback --width 1024 --height 1024',
  ],
  run,
});

async function run(
  context: CommandContext<typeof GENERATE_OPTIONS, readonly [string]>,
): Promise<void> {
  const { stderr, stdout } = context;
  const prompt = await readPrompt(context.positionals[0], context.stdin);
  const options = readGenerateOptions(prompt, context.options);
  const paths = outputPaths(options);
  const sheet = options.sheet ? sheetPath(options.out) : undefined;
  for (const path of [...paths, options.dump, sheet]) {
    if (path !== undefined) assertWritable(path);
  }
  const settings = serveSettings(context);
  const folder =
    options.model ??
    (await withInterrupt('generate', (signal) =>
      ensureDemoModel(settings.data, {
        signal,
        onImport: () => stderr.write('Unpacking the demo model (once) …\n'),
      }),
    ));
  const manifest = readManifest(folder);
  const size = pictureSize(options, manifest.size);
  const marking = await localMarking(settings.data, settings);
  const { device, threads } = options;
  const pipeline = await loadPipeline(folder, { device, threads, keepMemory: true });
  const former = formerRecipeWarning(manifest);
  const warnings = [
    ...[
      former,
      slowInt8Warning(manifest),
      validityProblem(marking.signer.chain, Date.now()),
    ].filter((one) => one !== undefined),
    ...pipeline.warningsFor(options.prompt),
  ];
  for (const warning of warnings) stderr.write(`warning: ${warning}\n`);
  const progress = createProgress(stderr, options.num);
  progress.begin();
  const sized = { ...options, ...size, marking };
  const making = makePictures(progress, pipeline, sized, paths, warnings);
  const receipt = await making.finally(progress.end);
  await pipeline.close();
  const files = () => Promise.all(paths.map((path) => readFile(path)));
  if (sheet !== undefined) {
    const drawn = await contactSheet(await files());
    const claim = { version: ENGINE_VERSION, model: receipt.model };
    await writeOutput(sheet, await signImage(drawn, 'png', claim, marking.signer));
  }
  const how = showingMode(context);
  if (how !== undefined) await showPictures(stdout, await files(), how);
  if (options.json) stdout.write(`${JSON.stringify(receipt)}\n`);
  else {
    // A terminal has shown the names of the pictures already.
    const shown = stdout.isTTY && stderr.isTTY ? [] : paths;
    for (const path of sheet === undefined ? shown : [...shown, sheet]) stdout.write(`${path}\n`);
  }
}

/**
 * The prompt; `-` reads it from standard input.
 *
 * @throws AppError `invalid-request` if a terminal would have to be read
 */
async function readPrompt(word: string, stdin: CommandContext['stdin']): Promise<string> {
  if (word !== '-') return word;
  if (stdin.isTTY) {
    throw new AppError('invalid-request', 'The prompt - reads standard input: pipe one into it.');
  }
  const chunks: Buffer[] = [];
  for await (const chunk of stdin) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '');
}

/** The settings of a server started here: what marks the server's pictures marks these. */
function serveSettings({
  env,
  options: { data },
}: CommandContext<typeof GENERATE_OPTIONS, unknown>) {
  return loadServeConfig({ flags: { data }, env, file: CONFIG_FILE, fileRequired: false });
}

/** `x.png` for one picture; `x-0.png`, `x-1.png` … for several. */
function outputPaths({ out, num }: GenerateOptions): string[] {
  if (num === 1) return [out];
  const { root, dir, name, ext } = parse(out);
  const folder = dir === '' || dir === root ? dir : `${dir}/`;
  return Array.from({ length: num }, (_, index) => `${folder}${name}-${index}${ext}`);
}

/** `x-sheet.png` beside `x.webp`: the sheet is a PNG whatever the pictures are. */
function sheetPath(out: string): string {
  const { dir, name } = parse(out);
  return join(dir, `${name}-sheet.png`);
}

interface Order {
  readonly width: number;
  readonly height: number;
  readonly marking: Marking;
}

async function makePictures(
  progress: Pick<ReturnType<typeof createProgress>, 'made'>,
  pipeline: Pipeline,
  options: GenerateOptions & Order,
  paths: readonly string[],
  warnings: string[],
): Promise<Receipt> {
  const { name, digest } = pipeline.manifest;
  const model = { name, digest, recipe: recipeOf(pipeline.manifest) };
  const ms = { load: pipeline.loadMs, text: 0, unet: 0, vae: 0, encode: 0, upload: 0 };
  const images: ImageRecord[] = [];
  const pictures: Picture[] = [];
  const {
    prompt,
    seed,
    width,
    height,
    num: numOutputs,
    format,
    quality,
    decoder,
    marking,
  } = options;
  const request = { prompt, seed, width, height, numOutputs, decoder };
  for await (const picture of pipeline.generate(request)) {
    const key = paths[picture.index] ?? '';
    const encodeStarted = performance.now();
    const settings = { format, quality, prompt, model, decoder, marking };
    const image = await encodeImage(picture, settings);
    const writeStarted = performance.now();
    await writeOutput(key, image.bytes);
    ms.upload += performance.now() - writeStarted;
    ms.encode += writeStarted - encodeStarted;
    for (const stage of ['text', 'unet', 'vae'] as const) ms[stage] += picture.ms[stage];
    images.push({
      index: picture.index,
      key,
      sha256: image.sha256,
      pixels_sha256: image.pixelsSha256,
      delivered_sha256: image.deliveredSha256,
      bytes: image.bytes.length,
      width,
      height,
      seed: picture.seed,
      format,
    });
    if (options.dump !== undefined) pictures.push(picture);
    const { text, unet, vae } = picture.ms;
    progress.made(`${key}: seed ${picture.seed}, ${(text + unet + vae).toFixed()} ms`);
  }
  if (options.dump !== undefined) await writeOutput(options.dump, dumpStages(pictures));
  return {
    job: createUlid(systemClock, randomBytes),
    images,
    ms,
    model,
    versions: { ...pipeline.versions },
    device: `${pipeline.device} (${cpus()[0]?.model.trim() ?? 'unknown processor'})`,
    warnings,
    ...defined({ decoder }),
  };
}
