import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { freePort, stopChild, untilListening } from '#test/helpers/processes.ts';
import { runtimeEnvironment } from './deployed-function.ts';
import type { EnvironmentOptions } from './environment.ts';
import { createMemoryGroup } from './memory-group.ts';

/** A function inside AWS's own emulator. */
export interface EmulatedFunction {
  /** What the emulator answers: the function's JSON, or its error as an object with `errorType`. */
  invoke(event: unknown): Promise<unknown>;
  readonly peakBytes: () => number;
  stop(): Promise<void>;
}

/**
 * Runs AWS's runtime under AWS's emulator, which starts it at the first event, holds it to its time limit
 * and starts it anew after that. It takes one event at a time, so events queue here.
 */
export async function emulateFunction(options: EnvironmentOptions): Promise<EmulatedFunction> {
  const group = createMemoryGroup(options.fn.memoryMib);
  const [port, apiPort] = [await freePort(), await freePort()];
  const child = launch(options, port, apiPort, group?.members);
  await untilListening(port);
  const url = `http://127.0.0.1:${port}/2015-03-31/functions/function/invocations`;
  let last: Promise<unknown> = Promise.resolve();
  const call = async (event: unknown) => {
    const answer = await fetch(url, { method: 'POST', body: JSON.stringify(event) });
    const text = await answer.text();
    if (text === '') return undefined;
    try {
      return JSON.parse(text);
    } catch {
      // Its time limit comes as a bare sentence.
      return { errorType: 'Sandbox.Timedout', errorMessage: text };
    }
  };
  return {
    invoke(event) {
      const turn = last.then(() => call(event));
      last = turn.catch(() => undefined);
      return turn;
    },
    peakBytes: () => group?.peakBytes() ?? 0,
    async stop() {
      await stopChild(child);
      group?.remove();
    },
  };
}

function launch(
  { fn, parts, credentials, onLine }: EnvironmentOptions,
  port: number,
  apiPort: number,
  members: string | undefined,
): ChildProcess {
  const join = members === undefined ? '' : `echo $$ > ${members} && `;
  const words = [
    parts.emulator,
    ...['--runtime-interface-emulator-address', `127.0.0.1:${port}`],
    ...['--runtime-api-address', `127.0.0.1:${apiPort}`],
    ...['--log-level', 'error', parts.node, parts.runtime, fn.handler],
  ];
  const child = spawn('sh', ['-c', `${join}exec "$0" "$@"`, ...words], {
    cwd: fn.folder,
    env: {
      ...runtimeEnvironment(fn, credentials),
      AWS_LAMBDA_FUNCTION_TIMEOUT: String(fn.timeoutSeconds),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    // The emulator's own children: ended with it.
    detached: true,
  });
  for (const output of [child.stdout, child.stderr]) {
    createInterface({ input: output }).on('line', onLine);
  }
  return child;
}
