import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { ROOT } from '#test/helpers/root.ts';
import type { RunningGpu } from './sagemaker.ts';

/** Starts the real GPU function as a process of its own, as its container's entry does. */
export async function startGpuProcess(env: Readonly<Record<string, string>>): Promise<RunningGpu> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'functions/gpu/main.ts', 'serve'], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'], HOST: '127.0.0.1', PORT: '0', DEVICE: 'cpu', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const port = await readPort(child);
  return { url: `http://127.0.0.1:${port}`, stop: () => stop(child) };
}

/** The function says where it listens in a line of its log. */
function readPort(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the GPU function ended with ${code}`)));
    child.once('error', reject);
    if (child.stdout === null) return;
    createInterface({ input: child.stdout }).on('line', (line) => {
      const event = JSON.parse(line) as { event?: string; level?: string; port?: number };
      if (event.event === 'listening' && event.port !== undefined) resolve(event.port);
      if (event.level === 'error') process.stderr.write(`${line}\n`);
    });
  });
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  const hard = setTimeout(() => child.kill('SIGKILL'), 5_000);
  await ended;
  clearTimeout(hard);
}
