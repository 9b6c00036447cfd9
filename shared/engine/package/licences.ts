import { join } from 'node:path';
import { defined } from '#shared/core/defined.ts';
import { readOptionalText } from '#shared/engine/bytes/json.ts';
import type { Manifest } from './manifest.ts';

type Licence = Manifest['licences'][number];

/** The start of a model card: YAML between two lines of dashes. */
const FRONT_MATTER = /^---\r?\n([\s\S]*?)\r?\n---/;
const LICENCE_FILES = ['LICENSE.md', 'LICENSE', 'LICENSE.txt', 'LICENCE'];

/** The licence that a folder states: in its model card, else the first line of its licence file. */
export function readLicences(folder: string, part: Licence['part']): Licence[] {
  const card = readOptionalText(join(folder, 'README.md'));
  const front = FRONT_MATTER.exec(card ?? '')?.[1] ?? '';
  const field = (name: string) =>
    new RegExp(`^${name}:\\s*["']?([^"'\\r\\n]+)`, 'm').exec(front)?.[1]?.trim();
  const named = field('license_name') ?? field('license');
  if (named !== undefined) {
    return [{ part, name: named, ...defined({ url: field('license_link') }) }];
  }
  for (const file of LICENCE_FILES) {
    const name = readOptionalText(join(folder, file))
      ?.split('\n')
      .find((line) => line.trim() !== '');
    if (name !== undefined) return [{ part, name: name.replace(/^#+/, '').trim().slice(0, 100) }];
  }
  return [];
}
