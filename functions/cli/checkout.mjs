// What a checkout runs is compiled once, and again where a file has changed: a process starts in half the
// time then, of which a server is three and a command one.
import {
  lstatSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { compile, compiledName, replaceFile, sourceFiles } from './compile.mjs';

/** What was compiled, each file with its mark. */
const RECORD = 'compiled.json';
/** What all of it depends on: how it is compiled, and the packages. */
const COMPILER = ['functions/cli/compile.mjs', 'node_modules/.package-lock.json'];
/** A file this young may change again under the same mark, and is compiled once more. */
const SETTLED_MS = 2000;
const OTHERS_CAN_WRITE = 0o022;

/**
 * Sees that what is compiled is what the sources say now.
 *
 * @param {string} root the checkout, without a slash at its end
 * @returns {Promise<string>} the folder of what is compiled
 */
export async function compileCheckout(root) {
  const marks = Object.fromEntries([...COMPILER, ...sourceFiles(root)].map(markOf(root)));
  const inPackages = join(root, 'node_modules', '.cache', 'onestep');
  if (isCurrent(inPackages, marks)) return inPackages;
  if (prepare(inPackages)) {
    link('../../../models', join(inPackages, 'models'));
    return await renew(inPackages, root, marks);
  }
  // A checkout of another user's.
  const own = ownFolder(root);
  for (const name of ['models', 'node_modules']) link(join(root, name), join(own, name));
  return isCurrent(own, marks) ? own : await renew(own, root, marks);
}

/** The time of a file's last change can't be set by a copy or an archive, unlike that of its content. */
const markOf = (root) => (file) => {
  const { ctimeMs, size } = statSync(join(root, file), { throwIfNoEntry: false }) ?? {};
  return [file, `${ctimeMs} ${size}`];
};

function recordOf(folder) {
  try {
    return JSON.parse(readFileSync(join(folder, RECORD), 'utf8'));
  } catch {
    return {};
  }
}

function isCurrent(folder, marks) {
  const known = recordOf(folder);
  const files = Object.keys(marks);
  return (
    files.length === Object.keys(known).length && files.every((file) => known[file] === marks[file])
  );
}

async function renew(folder, root, marks) {
  const youngest = Date.now() - SETTLED_MS;
  const known = recordOf(folder);
  const isChanged = (file) => known[file] !== marks[file];
  const sources = Object.keys(marks).filter((file) => !COMPILER.includes(file));
  const files = COMPILER.some(isChanged) ? sources : sources.filter(isChanged);
  await compile(root, folder, { files, sourceMaps: true });
  for (const file of Object.keys(known).filter((file) => marks[file] === undefined))
    rmSync(join(folder, compiledName(file) ?? file), { force: true });
  const settled = (mark) => (Number.parseFloat(mark) > youngest ? '' : mark);
  const record = Object.entries(marks).map(([file, mark]) => [file, settled(mark)]);
  replaceFile(join(folder, RECORD), JSON.stringify(Object.fromEntries(record)));
  return folder;
}

/** Makes the folder; false where it can't be written. */
function prepare(folder) {
  try {
    mkdirSync(folder, { recursive: true });
    const probe = join(folder, `${process.pid}.part`);
    writeFileSync(probe, '');
    rmSync(probe);
    return true;
  } catch {
    return false;
  }
}

/** Lets what is compiled find what the sources have beside them. */
function link(target, path) {
  try {
    symlinkSync(target, path);
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
}

/** This user's own folder for a checkout, into which nobody else writes. */
function ownFolder(root) {
  const { uid } = userInfo();
  const name = createHash('sha256').update(root).digest('hex').slice(0, 16);
  const folder = join(tmpdir(), `onestep-${uid}-${name}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const there = lstatSync(folder);
  if (!there.isDirectory() || there.uid !== uid || (there.mode & OTHERS_CAN_WRITE) !== 0) {
    process.stderr.write(`${folder} is not yours alone: remove it.\n`);
    process.exit(1);
  }
  return folder;
}
