// Installs the packages that a command needs. Plain JavaScript, because nothing that it could be
// compiled with is there yet.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { removeForeignBinaries, removeSharpWasm } from './foreign-binaries.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = `${root}node_modules`;
/** What the last install put there: the lockfile's SHA-256, and `all` or `production`. */
const stampFile = `${folder}/.onestep-packages`;

/** The commands that call the CDK, which is a development dependency. */
const WITH_CDK = ['deploy', 'nuke'];

/**
 * Whether a command calls the CDK. To be told of it takes none.
 *
 * @param {readonly string[]} words after the program's name
 */
export const needsCdk = ([command, ...more]) =>
  WITH_CDK.includes(command) && !more.some((word) => word === '--help' || word === '-h');

/**
 * Sees that what the lockfile names is installed. Only a missing folder is filled by `npm ci`: it would
 * empty one that a running server reads from, where `npm install` adds and replaces.
 *
 * @param {boolean} development whether the packages for tests and the CDK are needed, too
 */
export function installPackages(development) {
  if (process.env.ONESTEP_SKIP_INSTALL) return;
  const there = lstatSync(folder, { throwIfNoEntry: false });
  if (there?.isSymbolicLink()) {
    fail(
      `node_modules is a link to ${readlinkSync(folder)}, whose packages are another tree's. Remove the link and run this again, or set ONESTEP_SKIP_INSTALL=1 to use them as they are.`,
    );
  }
  const lockfile = createHash('sha256')
    .update(read(`${root}package-lock.json`))
    .digest('hex');
  const [installed, set] = read(stampFile).split(' ');
  if (installed === lockfile && (set === 'all' || !development)) return;
  // Nothing that is there gets removed: a start after `npm test` keeps the development set.
  const all = development || set === 'all' || hasDevelopmentSet();
  install(there ? ['install', '--no-save'] : ['ci'], all);
  writeFileSync(stampFile, `${lockfile} ${all ? 'all' : 'production'}`);
}

function install(words, all) {
  const line = [...words, all ? '--include=dev' : '--omit=dev'];
  process.stderr.write(`Installing packages (once, about ${all ? 40 : 20} seconds) …\n`);
  const npm = spawnSync('npm', [...line, '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (npm.status !== 0)
    fail(`Installing failed. Run "npm ${line.join(' ')}" and see what it says.`);
  removeForeignBinaries(root);
  if (!all) removeSharpWasm(root);
}

/** Whether npm's own record of the folder, which a hand-made install leaves too, has such packages. */
function hasDevelopmentSet() {
  return read(`${folder}/.package-lock.json`).includes('"dev": true');
}

function read(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
