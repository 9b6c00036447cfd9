import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Notes a setting in cdk.context.json, where the CDK finds it at each later synth. cdk.json is the
 * user's own file and is never written to; what it says wins.
 */
export function noteInContext(projectFolder: string, key: string, value: unknown): void {
  const path = join(projectFolder, 'cdk.context.json');
  let context: Record<string, unknown> = {};
  try {
    context = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, `${JSON.stringify({ ...context, [key]: value }, null, 2)}\n`);
  renameSync(temporary, path);
}
