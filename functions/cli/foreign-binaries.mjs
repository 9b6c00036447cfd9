// Removes what packages bring for other platforms: some 250 of ONNX Runtime's 300 MB, and the libsql of
// the C library that this system does not have.
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
  if (root === undefined) return;
  removeOtherLibsql(join(root, '../../../@libsql'), `${platform}-${arch}`);
  if (!isFolder(join(root, platform, arch))) return;
  for (const system of readdirSync(root)) {
    const folder = join(root, system);
    if (system !== platform) remove(folder);
    else if (isFolder(folder)) removeOthers(folder, arch);
  }
}

function removeOthers(folder, kept) {
  for (const name of readdirSync(folder)) {
    if (name !== kept) remove(join(folder, name));
  }
}

/** npm installs libsql for both C libraries of Linux, 10 MB each. */
function removeOtherLibsql(scope, machine) {
  const [gnu, musl] = ['gnu', 'musl'].map((name) => join(scope, `${machine}-${name}`));
  if (!isFolder(scope) || !isFolder(gnu) || !isFolder(musl)) return;
  remove(hasGlibc() ? musl : gnu);
}

function hasGlibc() {
  // Looking up the names of network peers would take seconds.
  process.report.excludeNetwork = true;
  return process.report.getReport().header.glibcVersionRuntime !== undefined;
}

/**
 * Removes sharp's WebAssembly, which npm installs everywhere: the service takes sharp's own library, and only
 * what the CDK bundles takes the other. A later install of the development set brings it back.
 *
 * @param {string} root the project's folder
 */
export function removeSharpWasm(root, { platform, arch } = process) {
  const scope = join(root, 'node_modules', '@img');
  if (!isFolder(scope) || !isFolder(join(scope, `sharp-${platform}-${arch}`))) return;
  remove(join(scope, 'sharp-wasm32'));
}

/** What belongs to another user, as where root has installed for a service, takes only space: it stays. */
function remove(folder) {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch (error) {
    if (!['EACCES', 'EPERM', 'EROFS'].includes(error.code)) throw error;
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
