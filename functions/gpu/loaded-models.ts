/** A model in memory. */
interface Closable {
  close(): Promise<void>;
}

export interface LoadedModelsDeps<Model extends Closable> {
  readonly load: (folder: string) => Promise<Model>;
  /** Bytes of a package's weights. */
  readonly sizeBytes: (folder: string) => number;
  /** What all models in memory may take together; one is always kept, whatever its size. */
  readonly limitBytes: number;
}

/**
 * Models by their folders. Several stay in memory while their weights fit, so that tasks for two small
 * models in turn do not load them each time; those that were not used for longest make room.
 */
export function createLoadedModels<Model extends Closable>(deps: LoadedModelsDeps<Model>) {
  /** In the order of their last use. */
  const loaded = new Map<string, Model>();

  const makeRoom = async (neededBytes: number): Promise<void> => {
    const sizes = [...loaded.keys()].map((folder) => deps.sizeBytes(folder));
    let total = sizes.reduce((sum, bytes) => sum + bytes, neededBytes);
    for (const [folder, model] of [...loaded]) {
      if (total <= deps.limitBytes) return;
      total -= deps.sizeBytes(folder);
      loaded.delete(folder);
      await model.close();
    }
  };

  return {
    /** Lets a model go whose package was replaced. */
    async drop(folder: string): Promise<void> {
      const known = loaded.get(folder);
      loaded.delete(folder);
      await known?.close();
    },

    /** The model, loaded first where it is not in memory; callers come one after the other. */
    async get(folder: string, onLoad: () => void): Promise<{ model: Model; isNew: boolean }> {
      const known = loaded.get(folder);
      if (known !== undefined) {
        loaded.delete(folder);
        loaded.set(folder, known);
        return { model: known, isNew: false };
      }
      onLoad();
      await makeRoom(deps.sizeBytes(folder));
      const model = await deps.load(folder);
      loaded.set(folder, model);
      return { model, isNew: true };
    },
  };
}
