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
 * Does work in another process and measures what that takes of the first GPU. In a container,
 * `nvidia-smi` may not know the process by its number here; the growth of the whole device counts then.
 *
 * @param work is given what to call with the process's number once it has one
 */
export async function watchGpu<T>(
  work: (onStart: (processId?: number) => void) => Promise<T>,
  query: Query = nvidiaSmi,
): Promise<{ done: T; gpu: GpuReport }> {
  let before = 0;
  let peakOfDevice = 0;
  let peakOfProcess = 0;
  let processId: number | undefined;
  let failure: string | undefined;
  /** One question after the other; none after the first that fails. */
  let asked: Promise<void> = Promise.resolve();
  const ask = (question: () => Promise<void>): Promise<void> => {
    asked = asked
      .then(async () => {
        if (failure === undefined) await question();
      })
      .catch((error: Error) => {
        failure = `nvidia-smi does not answer: ${error.message.split('\n')[0]}`;
      });
    return asked;
  };
  const deviceMebibytes = async () => Number((await query('--query-gpu=memory.used'))[0]?.[0]) || 0;
  const sample = async () => {
    peakOfDevice = Math.max(peakOfDevice, await deviceMebibytes());
    const rows = await query('--query-compute-apps=pid,used_memory');
    const own = rows.find(([pid]) => Number(pid) === processId)?.[1];
    // "[N/A]" where the driver does not count by process.
    peakOfProcess = Math.max(peakOfProcess, Number(own) || 0);
  };
  await ask(async () => {
    before = await deviceMebibytes();
  });
  const timer = setInterval(() => void ask(sample), SAMPLE_INTERVAL_MS);
  try {
    const done = await work((started) => {
      processId = started;
      void ask(sample);
    });
    let [name, driver]: readonly (string | undefined)[] = [];
    await ask(async () => {
      [name, driver] = (await query('--query-gpu=name,driver_version'))[0] ?? [];
    });
    if (name === undefined || driver === undefined) {
      return { done, gpu: { peakBytes: null, reason: failure ?? 'nvidia-smi shows no GPU' } };
    }
    const counted = peakOfProcess > 0 ? 'process' : 'device';
    const mebibytes = peakOfProcess > 0 ? peakOfProcess : Math.max(peakOfDevice - before, 0);
    return { done, gpu: { name, driver, peakBytes: mebibytes * MEBIBYTE, counted } };
  } finally {
    clearInterval(timer);
  }
}
