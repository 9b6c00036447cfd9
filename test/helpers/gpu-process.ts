import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { InferenceRequest } from '#shared/core/inference.ts';
import { compiledPath } from './compiled.ts';
import { ROOT } from './root.ts';

/** A GPU function in a process of its own, on the CPU, at a free port. */
export interface GpuProcess {
  readonly process: ChildProcess;
  readonly url: string;
  /** Milliseconds and status of one `/ping`. */
  ping(): Promise<{ status: number; ms: number }>;
  invoke(request: object): Promise<{ status: number; body: unknown }>;
  /** Waits until `/ping` says 200. */
  ready(): Promise<void>;
  /** The id of the inference process. */
  workerPid(): number;
  close(): Promise<void>;
}

/** Starts it, compiled; the image's TypeScript is run by the container tests. Resolves when it listens. */
export async function startGpuProcess(env: Record<string, string>): Promise<GpuProcess> {
  const main = await compiledPath('functions/gpu/main.js');
  const child = spawn(process.execPath, [main, 'serve'], {
    cwd: ROOT,
    env: { ...process.env, HOST: '127.0.0.1', PORT: '0', DEVICE: 'cpu', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = `http://127.0.0.1:${await listeningPort(child)}`;
  const ping = async () => {
    const started = performance.now();
    const { status } = await fetch(`${url}/ping`);
    return { status, ms: performance.now() - started };
  };
  return {
    process: child,
    url,
    ping,
    async invoke(request) {
      const answer = await fetch(`${url}/invocations`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(request),
      });
      return { status: answer.status, body: await answer.json() };
    },
    async ready() {
      while ((await ping()).status !== 200) await new Promise((done) => setTimeout(done, 50));
    },
    workerPid: () => workerOf(child.pid ?? 0),
    async close() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM');
        await once(child, 'exit');
      }
    },
  };
}

async function listeningPort(child: ChildProcess): Promise<number> {
  if (child.stdout === null) throw new Error('The process has no output');
  for await (const line of createInterface(child.stdout)) {
    const entry = JSON.parse(line);
    if (entry.event !== 'listening') continue;
    child.stdout.resume();
    return entry.port;
  }
  throw new Error('The GPU function did not start');
}

/** The inference process, a GPU function's only child. */
export function workerOf(parent: number): number {
  return Number(readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8'));
}

/** An order of one picture, with what a test wants to be different. */
export function inferenceRequest(job: string, changes: object = {}): InferenceRequest {
  return {
    job,
    model: { name: 'onestep/demo' },
    prompt: 'a red house by the sea at sunset',
    seed: 5,
    width: 128,
    height: 128,
    num_outputs: 1,
    output_format: 'png',
    output_quality: 90,
    store: { kind: 'file', prefix: `outputs/${job}/` },
    deadline: Date.now() + 60_000,
    ...changes,
  };
}
