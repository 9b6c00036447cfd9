import { type ChildProcess, spawn } from 'node:child_process';

/** A unit file's `[Service]` section, as far as systemd would start a process by it. */
export interface Unit {
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly restartMs: number;
  readonly stopMs: number;
}

/** @throws Error where the unit would not be started again after a crash */
export function readUnit(text: string): Unit {
  const values = (name: string) =>
    [...text.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map(([, value = '']) => value);
  const one = (name: string) => values(name).at(-1) ?? '';
  if (one('Restart') !== 'always') throw new Error('The unit is not started again.');
  return {
    words: one('ExecStart').split(' '),
    env: Object.fromEntries(values('Environment').map((pair) => pair.split(/=(.*)/s).slice(0, 2))),
    restartMs: Number(one('RestartSec')) * 1000,
    stopMs: Number(one('TimeoutStopSec')) * 1000,
  };
}

export interface Supervised {
  /** The process's id; another one after each start. */
  pid(): number | undefined;
  starts(): number;
  output(): string;
  stop(): Promise<void>;
}

/** Runs a unit as systemd does: again after each end, SIGTERM to stop it, SIGKILL when that takes too long. */
export function supervise(unit: Unit, folder: string, env: NodeJS.ProcessEnv): Supervised {
  const [command = '', ...words] = unit.words;
  let child: ChildProcess | undefined;
  let starts = 0;
  let output = '';
  let stopping = false;
  const launch = () => {
    if (stopping) return;
    starts += 1;
    child = spawn(command, words, {
      cwd: folder,
      env: { ...env, ...unit.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    }
    child.once('exit', () => {
      child = undefined;
      setTimeout(launch, unit.restartMs);
    });
  };
  launch();
  return {
    pid: () => child?.pid,
    starts: () => starts,
    output: () => output,
    async stop() {
      stopping = true;
      const last = child;
      if (last === undefined) return;
      const ended = new Promise((resolve) => last.once('exit', resolve));
      last.kill('SIGTERM');
      const hard = setTimeout(() => last.kill('SIGKILL'), unit.stopMs);
      await ended;
      clearTimeout(hard);
    },
  };
}
