import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { AppError } from '#shared/core/errors.ts';
import { ROOT } from '#test/helpers/root.ts';
import type { ApiServerFacts, ApiServerTask, ApiServerUsage } from './api-server.ts';
import type { LoadRequest } from './load.ts';

/** A server in a process of its own. */
export interface Running extends ApiServerFacts {
  readonly pid: number;
  usage(): Promise<ApiServerUsage>;
  stop(): Promise<void>;
}

/**
 * Starts one, and resolves once it listens.
 *
 * @param root of the checkout whose server it is
 */
export async function startServer(task: ApiServerTask, root = ROOT): Promise<Running> {
  const child = fork(join(root, 'test/bench/api-server.ts'), [], {
    cwd: root,
    execArgv: ['--expose-gc', '--import', import.meta.resolve('tsx/esm')],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
  });
  const facts = answerOf<ApiServerFacts>(child);
  child.send(task);
  return {
    ...(await facts),
    pid: child.pid ?? 0,
    usage() {
      const answer = answerOf<ApiServerUsage>(child);
      child.send('usage');
      return answer;
    },
    stop() {
      if (child.connected) child.disconnect();
      return exited;
    },
  };
}

function answerOf<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null) => {
      reject(new AppError('unavailable', `The measured server ended (${code}).`));
    };
    child.once('exit', onExit);
    child.once('message', (message) => {
      child.off('exit', onExit);
      resolve(message as T);
    });
  });
}

/** A read of an ended prediction, or of another. */
export function read({ url, prediction, keys }: Running, id: string = prediction): LoadRequest {
  const headers = { authorization: `Bearer ${keys.rich}` };
  return { url: `${url}/v1/predictions/${id}`, headers };
}

/** An order of one picture, by a key. */
export function order({ url }: Running, key: string): LoadRequest {
  return {
    url: `${url}/v1/predictions`,
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify({ input: { prompt: 'a red house by the sea', seed: 7 } }),
  };
}

/** The id of the prediction that was ordered last. */
export async function newestOf({ url, keys }: Running): Promise<string> {
  const answer = await fetch(`${url}/v1/predictions?limit=1`, {
    headers: { authorization: `Bearer ${keys.rich}` },
  });
  const { results } = (await answer.json()) as { results: { id: string }[] };
  return results[0]?.id ?? '';
}
