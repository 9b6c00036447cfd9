import { sep } from 'node:path';
import type { Fetched } from '#shared/engine/hub/fetch-from-hub.ts';
import { readLicences } from '#shared/engine/package/licences.ts';
import type { Manifest } from '#shared/engine/package/manifest.ts';

type Licences = Manifest['licences'];

/** `OWNER/NAME@COMMIT/FILE` for a fetched file, its path for another. */
export function originOf(file: string, fetched: readonly Fetched[]): string {
  const from = fetched.find(({ folder }) => file.startsWith(`${folder}${sep}`));
  if (from === undefined) return file;
  return `${from.name}@${from.commit}/${file.slice(from.folder.length + 1).replaceAll(sep, '/')}`;
}

/** What a fetched repository says about its licence: on the hub, or in its files. */
export function licencesOf(fetched: Fetched, part: Licences[number]['part']): Licences {
  return fetched.licence === undefined
    ? readLicences(fetched.folder, part)
    : [{ part, ...fetched.licence }];
}
