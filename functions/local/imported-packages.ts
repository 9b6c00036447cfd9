import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '#shared/core/errors.ts';
import { MANIFEST_FILE, type Manifest, readManifest } from '#shared/engine/package/manifest.ts';

/** The owner of a package whose manifest names none. */
const LOCAL_OWNER = 'local';

/** A model package that `onestep import` has put into the data folder. */
export interface ImportedPackage {
  /** `owner/name`, as clients order it. */
  readonly name: string;
  readonly folder: string;
  /** For clients: where it came from, if that is a place that they can go to. */
  readonly description: string;
}

/**
 * The packages under `models/` in the data folder, but for the demo model. One damaged package stops
 * nothing.
 *
 * @param onProblem called for each package that is left out, with the reason
 */
export function importedPackages(
  dataFolder: string,
  onProblem: (error: unknown, what: string) => void,
): readonly ImportedPackage[] {
  const found = new Map<string, ImportedPackage>();
  for (const folder of importedFolders(dataFolder)) {
    try {
      const manifest = readManifest(folder);
      const name = `${manifest.owner ?? LOCAL_OWNER}/${manifest.name}`;
      if (found.has(name)) throw new AppError('conflict', `${folder}: ${name} is there already.`);
      found.set(name, { name, folder, description: describe(manifest) });
    } catch (error) {
      onProblem(error, 'a model package is left out');
    }
  }
  return [...found.values()];
}

/** Repositories of the hub are named with a commit; paths of this machine stay private. */
function describe({ source }: Manifest): string {
  const isPublic = /^[\w.-]+\/[\w.-]+@[0-9a-f]{7,40}/.test(source.repository);
  return isPublic ? `Imported from ${source.repository}` : 'An imported model';
}

/** The folders under `models/` in the data folder that hold a package, but for the demo model's. */
export const importedFolders = (dataFolder: string): readonly string[] =>
  packageFolders(join(dataFolder, 'models'));

function packageFolders(root: string): readonly string[] {
  if (statSync(root, { throwIfNoEntry: false })?.isDirectory() !== true) return [];
  return readdirSync(root)
    .filter((name) => !name.startsWith('.') && !isDemo(name))
    .map((name) => join(root, name))
    .filter((path) => statSync(join(path, MANIFEST_FILE), { throwIfNoEntry: false })?.isFile())
    .sort();
}

/** `demo-<engine>`: the demo model of this version of the engine, or of an older one. */
function isDemo(folder: string): boolean {
  return /^demo-\d/.test(folder);
}
