import { existsSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';

type Environment = Readonly<Record<string, string | undefined>>;

/** In a clone, npx runs what is there and with `--no` never what a registry has by that name. */
const IN_A_CLONE = 'npx --no onestep';
const BY_NPM = ['start', 'onestep', 'npx'];
const HERE = fileURLToPath(import.meta.url);

/**
 * How the command is called here, so that it can be pasted: by npx in a clone, by npx with the package's
 * file where that is how it runs, and by its bare name where that was called.
 */
export function programName(env: Environment, file = HERE): string {
  if (!BY_NPM.includes(env['npm_lifecycle_event'] ?? '')) return 'onestep';
  const packed = packageOfNpx(file);
  return packed === undefined ? IN_A_CLONE : `npx --yes --ignore-scripts ${packed}`;
}

/** A text with its commands written so that they can be pasted here. */
export function asCalled(text: string, env: Environment): string {
  return text.replaceAll(
    /(^ *|["“]|: |\| |os_live_… )onestep (?=[\w-])/gm,
    `$1${programName(env)} `,
  );
}

/** The package that npx was called with, from its own note beside what it installed. */
function packageOfNpx(file: string): string | undefined {
  const [folder] = /^.*[\\/]_npx[\\/]\w+(?=[\\/])/.exec(file) ?? [];
  const note = `${folder}/package.json`;
  if (folder === undefined || !existsSync(note)) return undefined;
  const { _npx } = JSON.parse(readFileSync(note, 'utf8')) as { _npx?: { packages?: string[] } };
  const [given] = _npx?.packages ?? [];
  if (given === undefined) return undefined;
  // npx runs an absolute path as a program; as a URL it is a package.
  const near = relative('.', given);
  return near.startsWith('..') || near === given ? `file:${given}` : `./${near}`;
}
