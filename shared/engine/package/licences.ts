import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Manifest } from './manifest.ts';

type Licence = Manifest['licences'][number];

/** The start of a model card: YAML between two lines of dashes. */
const FRONT_MATTER = /^---\r?\n([\s\S]*?)\r?\n---/;
const LICENCE_FILES = ['LICENSE.md', 'LICENSE', 'LICENSE.txt', 'LICENCE'];

/** The licence that a folder states: in its model card, else the first line of its licence file. */
export function readLicences(folder: string, part: Licence['part']): Licence[] {
  const card = readText(join(folder, 'README.md'));
  const front = FRONT_MATTER.exec(card ?? '')?.[1] ?? '';
  const field = (name: string) =>
    new RegExp(`^${name}:\\s*["']?([^"'\\r\\n]+)`, 'm').exec(front)?.[1]?.trim();
  const named = field('license_name') ?? field('license');
  if (named !== undefined) {
    const url = field('license_link');
    return [{ part, name: named, ...(url === undefined ? {} : { url }) }];
  }
  for (const file of LICENCE_FILES) {
    const name = readText(join(folder, file))
      ?.split('\n')
      .find((line) => line.trim() !== '');
    if (name !== undefined) return [{ part, name: name.replace(/^#+/, '').trim().slice(0, 100) }];
  }
  return [];
}

const readText = (path: string): string | undefined =>
  existsSync(path) ? readFileSync(path, 'utf8') : undefined;
