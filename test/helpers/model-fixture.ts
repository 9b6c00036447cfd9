import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FORMER_RECIPE, type Recipe } from '#shared/core/recipe.ts';
import { type ImportOptions, importModel } from '#shared/engine/package/import-model.ts';
import type { Manifest } from '#shared/engine/package/manifest.ts';
import { fromRoot } from './root.ts';
import { type RawTensor, writeSafetensors } from './write-safetensors.ts';

/** The path of a file under test/fixtures. */
export const fixture = (...names: readonly string[]): string =>
  fromRoot(join('test/fixtures', ...names));

/** A folder for one test file, and its removal. */
export function temporaryFolder(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'onestep-model-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Imports a fixture's repository as fp32, unless told otherwise. */
export function importFixture(
  repository: string,
  out: string,
  options: Partial<ImportOptions> = {},
): Promise<Manifest> {
  return importModel({
    repository,
    out,
    dtype: 'fp32',
    name: 'test',
    processId: process.pid,
    recipe: callOf(repository),
    ...options,
  });
}

/** How the fixtures were called: as DisBack is, with the prediction of their scheduler. */
function callOf(repository: string): Recipe {
  const file = join(repository, 'scheduler', 'scheduler_config.json');
  if (!existsSync(file)) return FORMER_RECIPE;
  const { prediction_type: prediction } = JSON.parse(readFileSync(file, 'utf8'));
  return { ...FORMER_RECIPE, prediction };
}

/** A copy of the tiny repository that a test may damage. */
export function copyOfTiny(folder: string): string {
  const path = mkdtempSync(join(folder, 'repo-'));
  cpSync(fixture('tiny', 'repo'), path, { recursive: true });
  return path;
}

/** Rewrites a safetensors file with its tensors changed. */
export function editTensors(
  path: string,
  edit: (tensors: Record<string, RawTensor>) => Record<string, RawTensor>,
): void {
  writeSafetensors(path, edit(rawTensors(path)));
}

/** The tensors of a safetensors file as they lie in it. */
export function rawTensors(path: string): Record<string, RawTensor> {
  const file = readFileSync(path);
  const start = 8 + Number(file.readBigUInt64LE(0));
  const header: Record<string, RawTensor & { data_offsets: [number, number] }> = JSON.parse(
    file.toString('utf8', 8, start),
  );
  const entries = Object.entries(header).filter(([name]) => name !== '__metadata__');
  return Object.fromEntries(
    entries.map(
      ([
        name,
        {
          dtype,
          shape,
          data_offsets: [begin, end],
        },
      ]) => [
        name,
        { dtype, shape, bytes: new Uint8Array(file.subarray(start + begin, start + end)) },
      ],
    ),
  );
}

/** The types of a weight file's tensors by their names. */
export const storedTypes = (path: string): Record<string, string> =>
  Object.fromEntries(Object.entries(rawTensors(path)).map(([name, { dtype }]) => [name, dtype]));
