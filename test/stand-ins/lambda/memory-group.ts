import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A control group that ends its processes beyond a limit, as Lambda ends a function. */
export interface MemoryGroup {
  /** The file that a process writes its id to, to come under the limit with all that it starts. */
  readonly members: string;
  /** The most bytes that were held at one time. */
  peakBytes(): number;
  remove(): void;
}

const V1 = '/sys/fs/cgroup/memory';
const V2 = '/sys/fs/cgroup';

let made = 0;
let said = false;

/** Undefined where this machine lets nobody limit memory, which is said once. */
export function createMemoryGroup(memoryMib: number): MemoryGroup | undefined {
  const isV1 = existsSync(join(V1, 'memory.limit_in_bytes'));
  const folder = join(isV1 ? V1 : V2, `onestep-${process.pid}-${made++}`);
  const [limit, peak] = isV1
    ? ['memory.limit_in_bytes', 'memory.max_usage_in_bytes']
    : ['memory.max', 'memory.peak'];
  try {
    mkdirSync(folder);
    writeFileSync(join(folder, limit), String(memoryMib * 1024 * 1024));
  } catch {
    if (!said)
      process.stderr.write('No control group for memory here: functions run without it.\n');
    said = true;
    return undefined;
  }
  return {
    members: join(folder, 'cgroup.procs'),
    peakBytes: () => Number(readFileSync(join(folder, peak), 'utf8')),
    remove() {
      try {
        rmdirSync(folder);
      } catch {
        // A process that has just been killed still counts for a moment.
        setTimeout(() => {
          try {
            rmdirSync(folder);
          } catch {
            process.stderr.write(`${folder} is still there.\n`);
          }
        }, 500);
      }
    },
  };
}
