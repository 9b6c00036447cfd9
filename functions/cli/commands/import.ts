import { basename, join, resolve } from 'node:path';
import type { Command, CommandContext } from '#functions/cli/command.ts';
import { fetchSources } from '#functions/cli/import/model-sources.ts';
import { progressLine } from '#functions/cli/import/report-download.ts';
import { withInterrupt } from '#functions/cli/interrupt.ts';
import { systemClock } from '#shared/core/clock.ts';
import { AppError } from '#shared/core/errors.ts';
import { createProgressMeter } from '#shared/engine/hub/progress-meter.ts';
import { importModel } from '#shared/engine/package/import-model.ts';

const PROGRESS_INTERVAL_MS = 200;
const DTYPES = ['fp32', 'fp16'] as const;

export const importCommand: Command = {
  summary: 'make a model package from an SDXL repository',
  usage:
    'OWNER/NAME[@REVISION] | --repo DIR [--unet FILE] [--dtype fp32|fp16] [--out PKG] [options]',
  options: {
    repo: {
      type: 'string',
      value: 'DIR',
      help: 'a folder laid out as stable-diffusion-xl-base-1.0 is',
    },
    unet: {
      type: 'string',
      value: 'FILE',
      help: 'take the UNet from here: .safetensors or .bin, or OWNER/NAME/FILE on the hub',
    },
    checkpoint: {
      type: 'string',
      value: 'FILE',
      help: 'take all weights from this one file (or OWNER/NAME/FILE); the repository describes them',
    },
    dtype: { type: 'string', value: 'TYPE', help: 'fp32 (fastest on a CPU, default) or fp16' },
    out: {
      type: 'string',
      value: 'PKG',
      help: 'the new package, a folder; default with a name: models/NAME in the data folder',
    },
    data: { type: 'string', value: 'DIR', help: 'where downloads are kept; default: .onestep' },
    name: {
      type: 'string',
      value: '[OWNER/]NAME',
      help: "how clients order it; default: as on the hub, else local/ and the folder's name",
    },
    link: { type: 'boolean', help: 'share tensors that fit with their files instead of copying' },
  },
  examples: [
    'onestep import stabilityai/stable-diffusion-xl-base-1.0 --unet SYZhang0805/DisBack/SDXL_DisBack.bin',
    'onestep import --repo stable-diffusion-xl-base-1.0 --unet SDXL_DisBack.bin --dtype fp32 --out disback',
    'onestep import --repo models/demo/repo --unet models/demo/onestep_unet.bin --out /tmp/demo',
  ],
  run,
};

async function run({ values, positionals, env, stdout, stderr }: CommandContext): Promise<void> {
  const text = (option: string) => {
    const value = values[option];
    return typeof value === 'string' ? value : undefined;
  };
  const need = (option: string, example: string) => {
    const value = text(option);
    if (value !== undefined && value !== '') return value;
    throw new AppError('invalid-request', `import needs --${option} ${example}.`);
  };
  const [given, extra] = positionals;
  if (extra !== undefined || (given !== undefined && text('repo') !== undefined)) {
    throw new AppError('invalid-request', `import does not know what "${extra ?? given}" is for.`);
  }
  const repository = given ?? need('repo', 'DIR');
  const data = text('data') ?? '.onestep';
  const dtype = DTYPES.find((known) => known === (text('dtype') ?? 'fp32'));
  if (dtype === undefined) {
    throw new AppError('invalid-request', `--dtype is ${DTYPES.join(' or ')}.`);
  }
  const started = performance.now();
  const unet = text('unet');
  const checkpoint = text('checkpoint');
  const { out, manifest } = await withInterrupt('import', async (signal) => {
    const isFolder = given === undefined;
    const link = values['link'] === true;
    const place = text('out') ?? join(data, 'models');
    const named = { repository, isFolder, unet, checkpoint, dtype, data, link, out: place };
    const sources = await fetchSources(named, { env, stderr }, signal);
    // A model from the hub is known by its name there; one from a folder goes where it is told.
    const hubName = unet !== undefined && sources.unet !== unet ? unet : repository;
    const isFetched = sources.source !== undefined;
    const told = text('name')?.split('/') ?? [];
    const [owner, hubModel] = isFetched ? hubName.split(/[/@]/) : [];
    const name = told.at(-1) ?? hubModel;
    const out =
      text('out') ??
      (name === undefined ? need('out', 'PKG') : join(data, 'models', modelName(name)));
    const importing = importModel({
      ...sources,
      dtype,
      out,
      name: name === undefined ? nameOfFolder(out) : modelName(name),
      owner: ownerName(told.length > 1 ? told[0] : owner),
      link,
      processId: process.pid,
      signal,
      onProgress: stderr.isTTY ? reportWriting(stderr) : () => undefined,
    });
    const clearLine = () => stderr.write(stderr.isTTY ? '\r\u001b[K' : '');
    return { out, manifest: await importing.finally(clearLine) };
  });
  const seconds = (performance.now() - started) / 1000;
  if (values['json'] === true) {
    stdout.write(`${JSON.stringify(manifest)}\n`);
    return;
  }
  const bytes = Object.values(manifest.files).reduce((sum, file) => sum + file.bytes, 0);
  stderr.write(`${out}: ${manifest.name}, ${megabytes(bytes)} in ${seconds.toFixed(1)} s\n`);
  stdout.write(`${manifest.digest}\n`);
}

/** What of a text can stand in a URL and a JSON key; empty when nothing can. */
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

/** A folder may be called what no model can. */
const nameOfFolder = (folder: string): string => usableName(basename(resolve(folder))) || 'model';

function ownerName(text: string | undefined): string | undefined {
  return text === undefined ? undefined : modelName(text);
}

/** Tells how far the writing of the package is, how fast, and how long still. */
function reportWriting(stderr: CommandContext['stderr']) {
  let meter: ReturnType<typeof createProgressMeter> | undefined;
  let before = 0;
  let last = 0;
  return ({ bytes, of }: { bytes: number; of: number }) => {
    meter ??= createProgressMeter(of, 0, systemClock);
    const progress = meter(bytes - before);
    before = bytes;
    const now = performance.now();
    if (now - last < PROGRESS_INTERVAL_MS) return;
    last = now;
    stderr.write(`\r\u001b[K${progressLine(progress, 'imported')}`);
  };
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
