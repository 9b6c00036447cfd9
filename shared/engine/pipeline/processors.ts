import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';

const ROOT = '/sys/fs/cgroup';

/** Reads a file of the system; undefined if there is none. */
export type ReadSystemFile = (path: string) => string | undefined;

/** Reads it from the disk. */
export const readSystemFile: ReadSystemFile = (path) => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
};

/**
 * How many processors this process can use: those of the machine within the quota of its container,
 * which Node 20 does not see.
 */
export function availableProcessors(
  read: ReadSystemFile = readSystemFile,
  processors: number = availableParallelism(),
): number {
  const quota = Math.min(...quotas(read), processors);
  return Math.max(1, Math.ceil(quota));
}

/** The quotas of all control groups that the process is in, in processors (cgroups(7)). */
function quotas(read: ReadSystemFile): readonly number[] {
  const own = /^0::(\/.*)$/m.exec(read('/proc/self/cgroup') ?? '')?.[1] ?? '/';
  const found: number[] = [];
  for (let path = own; ; path = dirname(path)) {
    const [quota, period] = (read(join(ROOT, path, 'cpu.max')) ?? 'max').trim().split(/\s+/);
    if (quota !== 'max') found.push(Number(quota) / Number(period));
    if (path === '/' || path === '.') break;
  }
  const quota = Number(read(join(ROOT, 'cpu/cpu.cfs_quota_us')) ?? -1);
  if (quota > 0) found.push(quota / Number(read(join(ROOT, 'cpu/cpu.cfs_period_us')) ?? 100_000));
  return found.filter((value) => value > 0);
}
