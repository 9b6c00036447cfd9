import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { installDebian } from './install-debian.ts';
import { removeFolder, temporaryFolder } from './server-process.ts';

const execute = promisify(execFile);
const START_TIMEOUT_MS = 60_000;
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** Where downloads go through a proxy, only this names its authority. */
const AUTHORITIES = { NODE_EXTRA_CA_CERTS: process.env['NODE_EXTRA_CA_CERTS'] ?? '' };

/** A Linux machine with systemd, for one test. */
export interface Machine {
  /** Its root folder, as seen from this process. */
  readonly root: string;
  /**
   * Runs shell commands as root, in its folder /root; resolves to what they printed.
   *
   * @param network `outer`: with this computer's network, where packages come from; `own`: loopback alone
   */
  run(code: string, network?: 'own' | 'outer'): Promise<string>;
  stop(): Promise<void>;
}

/**
 * What systemd starts in, as a copy of this computer's own root whose changes are kept in memory: the
 * same programs, none of the units that are enabled here, and process ids, mounts and network apart. All
 * of it ends with the process; the one thing left outside is a control group.
 */
const BOOT = `
set -eu
over=$1/over root=$1/root groups=$1/groups
mkdir $over $root $groups
mount -t tmpfs -o mode=755 tmpfs $over
mkdir $over/upper $over/work
mount -t overlay overlay -o lowerdir=/,upperdir=$over/upper,workdir=$over/work $root
rm -rf $root/etc/systemd/system
mkdir $root/etc/systemd/system
mount -t cgroup2 cgroup2 $groups
mkdir $groups/$2
echo 0 >$groups/$2/cgroup.procs
ip link set lo up
echo server >$root/etc/hostname
echo "127.0.0.1 localhost server $3" >$root/etc/hosts
echo 'Defaults env_keep += "NODE_EXTRA_CA_CERTS"' >$root/etc/sudoers.d/authorities
mount -t proc proc $root/proc
mount -o bind,ro $root/proc/sys $root/proc/sys
mount -t sysfs -o ro sysfs $root/sys
mount -t tmpfs -o mode=755 tmpfs $root/run
mount -t tmpfs -o mode=1777 tmpfs $root/tmp
mount -t tmpfs -o mode=755 tmpfs $root/dev
for node in null zero full random urandom tty; do
  touch $root/dev/$node
  mount --bind /dev/$node $root/dev/$node
done
mkdir $root/dev/shm
mount -t tmpfs -o mode=1777 tmpfs $root/dev/shm
exec unshare --cgroup sh -euc '
  mount -t cgroup2 cgroup2 $0/sys/fs/cgroup
  mkdir $0/run/outside
  cd $0
  pivot_root . run/outside
  umount -l run/outside
  exec env -i container=test PATH="$PATH" /lib/systemd/systemd --unit=multi-user.target' $root
`;

/** Its processes are gone some moments after the first of them. */
const REMOVE_GROUP = `
mkdir $1/left
mount -t cgroup2 cgroup2 $1/left
for try in $(seq 50); do
  if find $1/left/$2 -depth -type d -exec rmdir {} + 2>/dev/null; then exit 0; fi
  sleep 0.1
done
exit 1
`;

/**
 * Starts one, for which this process has to be root.
 *
 * @param host a name by which it also knows itself
 */
export async function startMachine(host: string): Promise<Machine> {
  await installDebian({ systemctl: 'systemd', sudo: 'sudo', ip: 'iproute2', curl: 'curl' });
  const folder = temporaryFolder();
  const group = `onestep-test-${process.pid}`;
  // Of a test that is killed nothing stays.
  const spaces = ['--mount', '--pid', '--uts', '--ipc', '--net', '--fork', '--kill-child'];
  const words = ['--pdeathsig', 'KILL', 'unshare', ...spaces];
  const unshare = spawn('setpriv', [...words, 'sh', '-c', BOOT, 'boot', folder, group, host], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const init = await childOf(unshare);
  const enter = (code: string, network: 'own' | 'outer') => {
    const enters = ['--mount', '--pid', '--uts', '--ipc', '--root'];
    const own = network === 'own' ? ['--net'] : [];
    const words = ['--target', `${init}`, ...enters, ...own];
    const shell = ['bash', '--norc', '-euo', 'pipefail', '-c', `cd /root\n${code}`];
    return execute('nsenter', [...words, ...shell], {
      env: { PATH, HOME: '/root', ...AUTHORITIES },
      maxBuffer: 2 ** 26,
    });
  };
  const machine: Machine = {
    root: `/proc/${init}/root`,
    run: async (code, network = 'own') => (await enter(code, network)).stdout,
    async stop() {
      const ended = new Promise((resolve) => unshare.once('exit', resolve));
      unshare.kill('SIGKILL');
      await ended;
      await execute('unshare', ['--mount', 'sh', '-euc', REMOVE_GROUP, 'remove', folder, group]);
      removeFolder(folder);
    },
  };
  await untilBooted(machine, unshare);
  return machine;
}

/** The first process in the namespaces that `unshare` makes. */
async function childOf(unshare: ChildProcess): Promise<number> {
  const children = `/proc/${unshare.pid}/task/${unshare.pid}/children`;
  for (;;) {
    const [child] = readFileSync(children, 'utf8').split(' ');
    if (child) return Number(child);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function untilBooted(machine: Machine, unshare: ChildProcess): Promise<void> {
  const end = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    const state = await machine.run('systemctl is-system-running --wait').catch(() => '');
    if (state.trim() === 'running') return;
    if (unshare.exitCode !== null || Date.now() > end) {
      throw new Error('systemd did not start in namespaces of its own.');
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
