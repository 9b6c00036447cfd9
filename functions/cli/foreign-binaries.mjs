// Removes what ONNX Runtime's package brings for other platforms: some 250 of its 300 MB.
import { lstatSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Where the package keeps its libraries, by platform and processor. */
const BINARIES = ['node_modules', 'onnxruntime-node', 'bin', 'napi-v6'];

/**
 * Removes the libraries of other platforms from the packages that belong to a folder. What lies behind a
 * link is another tree's and stays; so does everything where there is nothing for this platform.
 *
 * @param {string} from the project's folder; the packages are in its `node_modules` or a parent's
 * @param {{ platform: string, arch: string }} machine as `process` has them
 */
export function removeForeignBinaries(from, { platform, arch } = process) {
  const root = ownBinaries(from);
  if (root === undefined || !isFolder(join(root, platform, arch))) return;
  for (const system of readdirSync(root)) {
    const folder = join(root, system);
    if (system !== platform) rmSync(folder, { recursive: true, force: true });
    else if (isFolder(folder)) removeOthers(folder, arch);
  }
}

function removeOthers(folder, kept) {
  for (const name of readdirSync(folder)) {
    if (name !== kept) rmSync(join(folder, name), { recursive: true, force: true });
  }
}

/** The nearest folder of libraries that is reached without a link. */
function ownBinaries(from) {
  for (let base = from; ; base = dirname(base)) {
    const steps = BINARIES.map((_, index) => join(base, ...BINARIES.slice(0, index + 1)));
    if (lstatSync(steps[1], { throwIfNoEntry: false }) !== undefined) {
      return steps.every(isFolder) ? steps.at(-1) : undefined;
    }
    if (base === dirname(base)) return undefined;
  }
}

/** A folder itself, not a link to one. */
function isFolder(path) {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
