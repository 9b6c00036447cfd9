import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { type ImportedPackage, importedPackages } from '#functions/local/imported-packages.ts';
import { dataFolder, findServer } from './client/service.ts';

/** The state of this machine, as far as the next step depends on it. */
export interface Situation {
  /** The address of the data folder's server, if one is running. */
  readonly url: string | undefined;
  /** Whether a server ever ran on the data folder. */
  readonly hasData: boolean;
  readonly models: readonly ImportedPackage[];
}

/** Reads the state of the default data folder. */
export async function readSituation(
  env: Readonly<Record<string, string | undefined>>,
): Promise<Situation> {
  const folder = dataFolder(env);
  return {
    url: await findServer(folder),
    hasData: existsSync(join(folder, 'onestep.sqlite')),
    models: importedPackages(folder, () => undefined),
  };
}

/** Commands that make sense now, with their purposes; the likeliest first. */
export function nextSteps({ url, hasData, models }: Situation): readonly [string, string][] {
  const pictures: [string, string] = [
    'onestep generate "a red house by the sea at sunset"',
    'make a picture, here and now',
  ];
  const server: readonly [string, string][] =
    url === undefined
      ? [['onestep start', hasData ? 'start the service again' : 'run the whole service here']]
      : [
          ['onestep top', 'watch its queue and its money'],
          ['onestep logs', 'see what was made'],
          ['onestep keys create --label phone', 'make a key to hand out'],
          ['onestep usage', 'see what was charged'],
        ];
  const [first] = models;
  const model: [string, string] =
    first === undefined
      ? [
          'onestep import stabilityai/stable-diffusion-xl-base-1.0 --unet SYZhang0805/DisBack/SDXL_DisBack.bin',
          'bring a model of your own: 10 GB, once',
        ]
      : [`onestep doctor ${relative('.', first.folder)}`, `check ${first.name}`];
  const deploy: [string, string] =
    models.length === 0
      ? ['onestep cost', 'see what it would cost on AWS']
      : ['onestep preflight', 'see whether your AWS account is ready to deploy to'];
  return url === undefined ? [...server, pictures, model, deploy] : [...server, model, deploy];
}

/** The text of `onestep` alone. */
export function situationText(situation: Situation, program: string): string {
  const { url, models } = situation;
  const state = [
    url === undefined ? 'No server is running.' : `The server is running at ${url}`,
    models.length === 0
      ? 'No model is imported: there is the demo model.'
      : `Imported: ${models.map(({ name }) => name).join(', ')}`,
  ];
  const steps = nextSteps(situation).map(
    ([command, purpose]) => `  ${command.replace(/^onestep/, program)}\n      ${purpose}\n`,
  );
  return `Onestep: images from prompts in one denoising step\n\n${state.join('\n')}\n\nWhat you can do next:\n\n${steps.join('')}\nEvery command: ${program} help\n`;
}
