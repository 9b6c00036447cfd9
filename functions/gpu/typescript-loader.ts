import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

/**
 * What lets another process of ours read TypeScript: nothing where Node does so itself (24 and later), which
 * starts faster, and tsx before.
 */
export function typescriptLoader(): readonly string[] {
  const { typescript } = process.features as { typescript?: 'strip' | 'transform' | false };
  if (typescript === 'strip' || typescript === 'transform') return [];
  const require = createRequire(import.meta.url);
  return ['--import', pathToFileURL(require.resolve('#typescript-loader')).href];
}
