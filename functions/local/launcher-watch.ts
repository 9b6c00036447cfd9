import { execFileSync } from 'node:child_process';
import { fstatSync, readFileSync } from 'node:fs';

/** How often the launching processes are looked for. */
const CHECK_MS = 500;
/** A standard input that ends sooner was never open: it says nothing about who launched this. */
const SETTLE_MS = 1000;

/**
 * Calls back once the launcher of this process is gone: npm does not pass every signal on, and a
 * forgotten server would keep the data folder locked. Watches the parent, npm behind its shell, and a
 * standard input that is a pipe.
 *
 * @returns stops watching
 */
export function watchLauncher(env: NodeJS.ProcessEnv, onGone: () => void): () => void {
  const parent = process.ppid;
  // An orphan from the start, such as a system service, has no launcher to follow.
  if (parent <= 1) return () => undefined;
  const npm = env['npm_lifecycle_event'] === undefined ? undefined : parentOf(parent);
  const timer = setInterval(() => {
    if (process.ppid !== parent || (npm !== undefined && !isAlive(npm))) finish();
  }, CHECK_MS);
  timer.unref();
  const unwatch = watchInput(() => finish());
  const stop = () => {
    clearInterval(timer);
    unwatch();
  };
  const finish = () => {
    stop();
    onGone();
  };
  return stop;
}

function watchInput(onEnd: () => void): () => void {
  if (!isPipe(0)) return () => undefined;
  const openSince = Date.now();
  const ended = () => {
    if (Date.now() - openSince > SETTLE_MS) onEnd();
  };
  process.stdin.once('end', ended);
  process.stdin.resume();
  process.stdin.on('error', () => undefined);
  const { stdin: input } = process;
  if ('unref' in input && typeof input.unref === 'function') input.unref();
  return () => {
    input.off('end', ended);
    input.pause();
  };
}

function isPipe(descriptor: number): boolean {
  try {
    const stats = fstatSync(descriptor);
    return stats.isFIFO() || stats.isSocket();
  } catch {
    // Closed from the start.
    return false;
  }
}

/** The parent of another process; undefined when there is none but the system's first. */
function parentOf(pid: number): number | undefined {
  try {
    const found =
      process.platform === 'linux'
        ? /\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.[1]
        : execFileSync('ps', ['-o', 'ppid=', '-p', String(pid)], { encoding: 'utf8' });
    const parent = Number(found);
    return parent > 1 ? parent : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Another user's process may not be signalled, but it is there.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
