/**
 * The part of a lockfile that an install needs: the packages that run, and of those for development the
 * named ones with all that they need. Nothing is looked up anywhere.
 *
 * @param {object} lockfile of version 3
 * @param {readonly string[]} development names of the project's development packages that stay
 */
export function pruneLockfile(lockfile, development) {
  const { '': project, ...packages } = lockfile.packages;
  const { devDependencies = {}, ...rest } = project;
  const kept = new Set(Object.keys(packages).filter((path) => !packages[path].dev));
  const visit = (name, from) => {
    const path = resolve(packages, name, from);
    if (path === undefined || kept.has(path)) return;
    kept.add(path);
    for (const needed of needsOf(packages[path])) visit(needed, path);
  };
  for (const name of development) visit(name, '');
  const own = Object.fromEntries(development.map((name) => [name, devDependencies[name]]));
  return {
    ...lockfile,
    packages: {
      '': { ...rest, ...(development.length > 0 && { devDependencies: own }) },
      ...Object.fromEntries(Object.entries(packages).filter(([path]) => kept.has(path))),
    },
  };
}

const needsOf = ({ dependencies, optionalDependencies, peerDependencies }) =>
  Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies });

/** Where a package that is at `from` finds another: in its own folder, or in those above it. */
function resolve(packages, name, from) {
  for (let base = from; ; base = base.slice(0, Math.max(0, base.lastIndexOf('/node_modules/')))) {
    const path = `${base === '' ? '' : `${base}/`}node_modules/${name}`;
    if (packages[path] !== undefined) return path;
    if (base === '') return undefined;
  }
}
