import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const fileOf = (projectFolder: string): string => join(projectFolder, 'cdk.context.json');

/** What was noted for this project; see {@link noteInContext}. */
export function readNotes(projectFolder: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(readFileSync(fileOf(projectFolder), 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return {};
  }
}

/**
 * Notes settings in cdk.context.json, where the CDK finds them at each later synth; undefined takes one out.
 * All of them are noted, or none. cdk.json is the user's own file and is never written to; what it says wins.
 */
export function noteInContext(
  projectFolder: string,
  notes: Readonly<Record<string, unknown>>,
): void {
  const path = fileOf(projectFolder);
  const temporary = `${path}.${process.pid}`;
  const context = { ...readNotes(projectFolder), ...notes };
  writeFileSync(temporary, `${JSON.stringify(context, null, 2)}\n`);
  renameSync(temporary, path);
}
