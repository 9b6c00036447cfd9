import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort, stopChild, untilListening } from '#test/helpers/processes.ts';
import type { EngineParts } from './install.ts';

const execute = promisify(execFile);

/** A Docker daemon, a builder and a registry of images, for one test. */
export interface Engine {
  /** `127.0.0.1:PORT`. */
  readonly registry: string;
  /** The base as an image in the registry. */
  readonly base: string;
  /** For `docker`: which daemon, which builder. */
  readonly env: NodeJS.ProcessEnv;
  /** Runs `docker` to its end; resolves to what it printed. */
  docker(...words: string[]): Promise<string>;
  stop(): Promise<void>;
}

/**
 * Starts them beside whatever Docker the machine has: sockets and data of their own, no bridge and no
 * rules of the firewall, so containers are in the machine's own network.
 */
export async function startEngine(parts: EngineParts): Promise<Engine> {
  const folder = await mkdtemp(join(tmpdir(), 'onestep-engine-'));
  const registryPort = await freePort();
  const registry = `127.0.0.1:${registryPort}`;
  const dockerSocket = join(folder, 'docker.sock');
  const builderSocket = join(folder, 'buildkit.sock');
  const config = join(folder, 'config');
  await mkdir(config);
  await cp(parts.dockerConfig, config, { recursive: true });
  await writeFile(join(folder, 'registry.yml'), registrySettings(registry, join(folder, 'images')));
  await writeFile(join(folder, 'buildkit.toml'), builderSettings(parts, builderSocket, registry));
  const env = {
    ...process.env,
    PATH: `/usr/sbin:/sbin:${process.env['PATH'] ?? ''}`,
    DOCKER_HOST: `unix://${dockerSocket}`,
    DOCKER_CONFIG: config,
    BUILDX_BUILDER: 'onestep',
  };
  const children = [
    await launch(folder, env, 'docker-registry', ['serve', join(folder, 'registry.yml')]),
    await launch(folder, env, parts.buildkitd, ['--config', join(folder, 'buildkit.toml')]),
    await launch(folder, env, 'dockerd', [
      ...['--iptables=false', '--bridge=none', '--host', env.DOCKER_HOST],
      ...['--data-root', join(folder, 'docker'), '--exec-root', join(folder, 'run')],
      ...['--pidfile', join(folder, 'docker.pid')],
    ]),
  ];
  const docker = async (...words: string[]) => {
    const { stdout } = await execute('docker', words, { env, maxBuffer: 2 ** 26 });
    return stdout;
  };
  await untilListening(registryPort);
  await untilAnswering(() => docker('version'));
  await docker(
    'buildx',
    'create',
    '--name',
    'onestep',
    '--driver',
    'remote',
    `unix://${builderSocket}`,
  );
  await untilAnswering(() => docker('buildx', 'inspect', 'onestep', '--bootstrap'));
  const base = `${registry}/base:bookworm`;
  await docker('import', ...BASE_SETTINGS, parts.baseTar, base);
  await docker('push', '--quiet', base);
  return {
    registry,
    base,
    env,
    docker,
    async stop() {
      await Promise.all(children.map(stopChild));
      // The network that containers were in stays mounted.
      await execute('umount', [join(folder, 'run/netns/default')]).catch(() => undefined);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const AUTHORITIES = '/etc/ssl/certs/ca-certificates.crt';
const BASE_SETTINGS = [
  ['PATH', '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
  ['NODE_EXTRA_CA_CERTS', AUTHORITIES],
  ['PIP_CERT', AUTHORITIES],
].flatMap(([name, value]) => ['--change', `ENV ${name}=${value}`]);

function registrySettings(address: string, folder: string): string {
  return `version: 0.1
log: { level: error }
storage: { filesystem: { rootdirectory: ${folder} } }
http: { addr: ${address}, secret: standin }
`;
}

function builderSettings(parts: EngineParts, socket: string, registry: string): string {
  return `root = "${parts.buildCache}"
[grpc]
address = ["unix://${socket}"]
[worker.oci]
networkMode = "host"
[worker.containerd]
enabled = false
[registry."${registry}"]
http = true
`;
}

async function launch(
  folder: string,
  env: NodeJS.ProcessEnv,
  command: string,
  args: readonly string[],
): Promise<ChildProcess> {
  const log = await open(join(folder, `${command.split('/').at(-1)}.log`), 'a');
  const child = spawn(command, args, { env, cwd: folder, stdio: ['ignore', log.fd, log.fd] });
  child.once('exit', () => log.close());
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  return child;
}

async function untilAnswering(ask: () => Promise<unknown>): Promise<void> {
  const end = Date.now() + 60_000;
  for (;;) {
    const failure = await ask().then(
      () => undefined,
      (error: unknown) => error,
    );
    if (failure === undefined) return;
    if (Date.now() > end) throw failure;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
