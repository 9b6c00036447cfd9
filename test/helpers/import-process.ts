import { type ChildProcess, spawn } from 'node:child_process';

export interface ImportRun {
  /** Null when it was killed. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs `onestep import` as a process of its own, with `HF_ENDPOINT` and the like in `env`.
 *
 * @param onStart watches the process or kills it; what it throws ends the process and the call
 */
export async function runImport(
  words: readonly string[],
  env: NodeJS.ProcessEnv = {},
  onStart?: (child: ChildProcess) => Promise<void>,
): Promise<ImportRun> {
  const child = spawn(process.execPath, ['functions/cli/launch.mjs', 'import', ...words], {
    env: { ...process.env, HF_TOKEN: '', ...env },
  });
  const text = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].on('data', (data) => {
      text[name] += data;
    });
  }
  const closed = new Promise<ImportRun>((resolve) => {
    child.on('close', (code) => resolve({ code, ...text }));
  });
  try {
    await onStart?.(child);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  return closed;
}
