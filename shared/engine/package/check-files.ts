import { statSync } from 'node:fs';
import { join } from 'node:path';
import { fileDigest } from './file-digest.ts';
import type { Manifest } from './manifest.ts';
import { packageDigest } from './package-digest.ts';

/**
 * Compares the files of a package with its manifest, every byte of them.
 *
 * @returns one sentence for each fault; none for a package that is whole
 */
export async function checkFiles(folder: string, manifest: Manifest): Promise<string[]> {
  const faults: string[] = [];
  for (const [path, { sha256, bytes }] of Object.entries(manifest.files)) {
    const size = statSync(join(folder, path), { throwIfNoEntry: false })?.size;
    if (size === undefined) faults.push(`${path} is missing`);
    else if (size !== bytes) faults.push(`${path} has ${size} bytes instead of ${bytes}`);
    else if ((await fileDigest(join(folder, path))) !== sha256) {
      faults.push(`${path} is damaged: its SHA-256 is not the manifest's`);
    }
  }
  for (const path of graphFiles(manifest)) {
    if (manifest.files[path] === undefined) faults.push(`${path} is not listed in the manifest`);
  }
  if (packageDigest(manifest) !== manifest.digest) {
    faults.push("the manifest's digest does not match its files and recipe");
  }
  return faults;
}

function graphFiles({ graphs: { cpu, cuda } }: Manifest): readonly string[] {
  const sets = cuda === undefined ? [cpu] : [cpu, cuda];
  const graphs = sets.flatMap(({ text, unet, vae, draft }) => [text, unet, vae, draft]);
  return graphs
    .flatMap((graph) => [graph?.file, graph?.small?.file])
    .filter((file) => file !== undefined);
}
