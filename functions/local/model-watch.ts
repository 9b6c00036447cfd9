import { createLoop } from '#shared/service/domain/loop.ts';
import { findModels, packageMarks } from './find-models.ts';
import type { LocalModel } from './local-model.ts';
import type { ServeConfig } from './serve-config.ts';

/** How often packages that came, changed or went are looked for. */
const LOOK_MS = 1000;

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
  /**
   * The models that there are now; undefined if the packages are those of the last look.
   *
   * @throws what `findModels` throws, once for each change
   */
  const look = async (): Promise<readonly LocalModel[] | undefined> => {
    // Taken first: what comes while manifests are read is seen by the next look.
    const marks = packageMarks(config, folder);
    if (marks === seen) return undefined;
    seen = marks;
    return await findModels(config, folder, onProblem);
  };
  return {
    look,
    /** Calls back with the models after each change, one call at a time, until it is stopped. */
    follow(change: (models: readonly LocalModel[]) => Promise<void>): { stop(): Promise<void> } {
      const loop = createLoop(LOOK_MS);
      loop.start(async () => {
        try {
          const found = await look();
          if (found !== undefined) await change(found);
        } catch (error) {
          onProblem(error, 'models');
        }
      });
      return loop;
    },
  };
}
