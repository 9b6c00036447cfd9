import { Worker } from 'node:worker_threads';
import { AppError, assert } from '#shared/core/errors.ts';
import type { Digest } from './digest.ts';

const PROGRAM = new URL('./digest-thread.mjs', import.meta.url);

interface Waiting {
  readonly resolve: (digest: string | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** Takes the SHA-256 of one file after another on a thread of its own. */
export class DigestThread implements Digest {
  private readonly worker: Worker;
  /** Messages without an answer, oldest first. */
  private readonly waiting: Waiting[] = [];
  private failure: AppError | undefined;

  /**
   * @param program what the thread runs
   * @throws AppError `internal-error` if no thread can be started
   */
  constructor(program: URL = PROGRAM) {
    try {
      // Without a loader, which would make the start ten times slower.
      this.worker = new Worker(program, { execArgv: [] });
    } catch (cause) {
      throw failureOf(cause);
    }
    this.worker.on('message', (digest: string | undefined) => {
      this.waiting.shift()?.resolve(digest);
    });
    this.worker.on('error', (cause) => this.fail(cause));
    this.worker.on('exit', (code) => this.fail(new Error(`it ended with code ${code}`)));
  }

  /** @throws AppError `internal-error` when the thread fails */
  async update(bytes: Uint8Array<SharedArrayBuffer>): Promise<void> {
    await this.ask(bytes);
  }

  /** @throws AppError `internal-error` when the thread fails */
  async finish(): Promise<string> {
    const digest = await this.ask(undefined);
    assert(digest !== undefined, 'the end of a file is answered with its digest');
    return digest;
  }

  async close(): Promise<void> {
    await this.worker.terminate();
  }

  private ask(message: Uint8Array | undefined): Promise<string | undefined> {
    return new Promise((resolve, reject) => {
      if (this.failure !== undefined) return reject(this.failure);
      this.waiting.push({ resolve, reject });
      this.worker.postMessage(message);
    });
  }

  private fail(cause: Error): void {
    this.failure ??= failureOf(cause);
    for (const { reject } of this.waiting.splice(0)) reject(this.failure);
  }
}

function failureOf(cause: unknown): AppError {
  const problem = (cause instanceof Error ? cause.message : String(cause)).replace(/\.$/, '');
  return new AppError('internal-error', `The thread that takes digests failed: ${problem}.`, {
    cause,
  });
}
