import { dirname, join } from 'node:path';
import { FormatError } from '#shared/core/errors.ts';
import { isRecord, parseJson } from '#shared/engine/bytes/json.ts';
import { openFile } from './byte-source.ts';
import { quote } from './quote.ts';
import type { Checkpoint, LazyTensor } from './tensor.ts';

const MAX_INDEX_BYTES = 16 * 2 ** 20;
const MAX_SHARDS = 1000;

/**
 * Opens the files that a `*.index.json` (`{"weight_map": {tensor: file}}`) joins. They must lie
 * beside it.
 *
 * @param openShard how one of them is opened
 * @throws FormatError for a broken index and for a tensor that its file doesn't have
 */
export function openSharded(path: string, openShard: (path: string) => Checkpoint): Checkpoint {
  const places = readIndex(path);
  const shards = new Map<string, Checkpoint>();
  const close = () => {
    for (const shard of shards.values()) shard.close();
  };
  try {
    const tensors = new Map<string, LazyTensor>();
    for (const [name, file] of places) {
      const shard = shards.get(file) ?? openShard(join(dirname(path), file));
      shards.set(file, shard);
      if (shards.size > MAX_SHARDS) throw new FormatError(path, `joins over ${MAX_SHARDS} files`);
      const tensor = shard.tensors.get(name);
      if (tensor === undefined) {
        throw new FormatError(path, `says that ${quote(file)} holds ${quote(name)}; it doesn't`);
      }
      tensors.set(name, tensor);
    }
    return { tensors, metadata: new Map(), close };
  } catch (error) {
    close();
    throw error;
  }
}

/** Tensor names and the files that hold them. */
function readIndex(path: string): [string, string][] {
  const source = openFile(path);
  try {
    if (source.sizeBytes > MAX_INDEX_BYTES) throw new FormatError(path, 'is too large an index');
    const text = new TextDecoder().decode(source.read(0, source.sizeBytes));
    const index = parseJson(text, path);
    const map = isRecord(index) ? index['weight_map'] : undefined;
    if (!isRecord(map)) throw new FormatError(path, 'has no "weight_map": it is no weight index');
    return Object.entries(map).map(([name, file]): [string, string] => {
      // A plain name: an index may not lead to other folders.
      if (typeof file !== 'string' || !/^[^/\\]+\.(safetensors|bin)$/.test(file)) {
        const problem = `maps ${quote(name)} to ${quote(String(file))}, no file beside it`;
        throw new FormatError(path, problem);
      }
      return [name, file];
    });
  } finally {
    source.close();
  }
}
