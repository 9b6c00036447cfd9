import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const SAMPLE_INTERVAL_MS = 250;
const MEBIBYTE = 2 ** 20;

/** The GPU that a process ran on, as `nvidia-smi` shows it. */
export type GpuReport =
  | {
      readonly name: string;
      readonly driver: string;
      /** Most bytes taken: by the process, or on the device beyond what it held before. */
      readonly peakBytes: number;
      readonly counted: 'process' | 'device';
    }
  | { readonly peakBytes: null; readonly reason: string };

/** Answers of `nvidia-smi`, a line of fields for each row. */
export type Query = (what: string) => Promise<readonly (readonly string[])[]>;

const run = promisify(execFile);

const nvidiaSmi: Query = async (what) => {
  const { stdout } = await run('nvidia-smi', [what, '--format=csv,noheader,nounits']);
  const lines = stdout.split('\n').filter((line) => line.trim() !== '');
  return lines.map((line) => line.split(',').map((field) => field.trim()));
};

/**
 * Does work in another process and tells what that took of the first GPU.
 *
 * @param work is given what to call with the process's number once it has one
 */
export async function watchGpu<T>(
  work: (onStart: (processId?: number) => void) => Promise<T>,
  query: Query = nvidiaSmi,
): Promise<{ done: T; gpu: GpuReport }> {
  const watch = new GpuWatch(query);
  await watch.start();
  try {
    const done = await work((processId) => watch.follow(processId));
    return { done, gpu: await watch.report() };
  } finally {
    watch.stop();
  }
}

/**
 * Watches what a process takes of the first GPU. Inside a container `nvidia-smi` may not know the
 * process by its number here; what the whole device holds more than before is counted then.
 */
class GpuWatch {
  private readonly query: Query;
  private before = 0;
  private peakOfDevice = 0;
  private peakOfProcess = 0;
  private processId: number | undefined;
  private failure: string | undefined;
  private timer: NodeJS.Timeout | undefined;
  private sampling: Promise<void> = Promise.resolve();

  constructor(query: Query) {
    this.query = query;
  }

  /** Begins; call it before the process takes anything. */
  async start(): Promise<void> {
    await this.guard(async () => {
      this.before = await this.deviceMebibytes();
    });
    this.timer = setInterval(() => this.follow(this.processId), SAMPLE_INTERVAL_MS);
  }

  /** Looks once at what the device holds and, from now on, at this process. */
  follow(processId: number | undefined): void {
    this.processId = processId;
    this.sampling = this.sampling.then(() => this.guard(() => this.sample()));
  }

  stop(): void {
    clearInterval(this.timer);
  }

  async report(): Promise<GpuReport> {
    await this.sampling;
    const [row] = await this.guard(() => this.query('--query-gpu=name,driver_version'), []);
    const [name, driver] = row ?? [];
    if (this.failure !== undefined || name === undefined || driver === undefined) {
      return { peakBytes: null, reason: this.failure ?? 'nvidia-smi shows no GPU' };
    }
    const counted = this.peakOfProcess > 0 ? 'process' : 'device';
    const mebibytes =
      counted === 'process' ? this.peakOfProcess : Math.max(this.peakOfDevice - this.before, 0);
    return { name, driver, peakBytes: mebibytes * MEBIBYTE, counted };
  }

  private async sample(): Promise<void> {
    this.peakOfDevice = Math.max(this.peakOfDevice, await this.deviceMebibytes());
    const rows = await this.query('--query-compute-apps=pid,used_memory');
    const own = rows.find(([pid]) => Number(pid) === this.processId)?.[1];
    // "[N/A]" where the driver does not count by process.
    this.peakOfProcess = Math.max(this.peakOfProcess, Number(own) || 0);
  }

  private async deviceMebibytes(): Promise<number> {
    const [row] = await this.query('--query-gpu=memory.used');
    return Number(row?.[0]) || 0;
  }

  private async guard<T>(work: () => Promise<T>): Promise<void>;
  private async guard<T>(work: () => Promise<T>, otherwise: T): Promise<T>;
  private async guard<T>(work: () => Promise<T>, otherwise?: T): Promise<T | undefined> {
    if (this.failure !== undefined) return otherwise;
    try {
      return await work();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.failure = `nvidia-smi does not answer: ${message.split('\n')[0]}`;
      return otherwise;
    }
  }
}
