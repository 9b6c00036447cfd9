import { findModels, packageMarks } from './find-models.ts';
import type { LocalModel } from './local-model.ts';
import type { ServeConfig } from './serve-config.ts';

/**
 * Looks at the packages on the disk, for those that are imported, replaced or removed while the server
 * runs. A look reads one folder and no package, unless something changed.
 *
 * @param onProblem called for each package that is left out, once for each change
 */
export function createModelWatch(
  config: Pick<ServeConfig, 'models' | 'defaultModel'>,
  folder: string,
  onProblem: (error: unknown, what: string) => void,
) {
  let seen: string | undefined;
  return {
    /**
     * The models that there are now; undefined if the packages are those of the last look.
     *
     * @throws what `findModels` throws, once for each change
     */
    async look(): Promise<readonly LocalModel[] | undefined> {
      // Taken first: what comes while manifests are read is seen by the next look.
      const marks = packageMarks(config, folder);
      if (marks === seen) return undefined;
      seen = marks;
      return await findModels(config, folder, onProblem);
    },
  };
}
