import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { PassThrough, pipeline, type Readable } from 'node:stream';
import { type DeployedFunction, runtimeEnvironment } from './deployed-function.ts';
import type { LambdaParts } from './install.ts';
import { createMemoryGroup } from './memory-group.ts';
import { createPace } from './pace.ts';

const API = '/2018-06-01/runtime';
/** Lambda gives code outside the handler this long, before it begins anew with the first event. */
const INIT_TIMEOUT_MS = 10_000;
/** An answer that is not streamed may have so many bytes. */
const MAX_BUFFERED_BYTES = 6 * 1024 * 1024;
/** What may be streamed unless a quota was raised. */
const MAX_STREAMED_BYTES = 200 * 1024 * 1024;

/** How a function failed, by the names that Lambda gives. */
export class FunctionError extends Error {
  readonly type: string;
  constructor(type: string, message: string) {
    super(message);
    this.type = type;
  }
}

/** An answer as the runtime posts it: its head is there, its body comes. */
export interface RuntimeAnswer {
  readonly streamed: boolean;
  readonly contentType: string;
  readonly body: Readable;
}

export interface Handling {
  /** @throws FunctionError when the function fails before its answer begins */
  readonly answer: Promise<RuntimeAnswer>;
  /** Resolves when the environment can take another event, or is gone. */
  readonly released: Promise<void>;
}

export interface EnvironmentOptions {
  readonly parts: LambdaParts;
  readonly fn: DeployedFunction;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** Each line that the function writes. */
  readonly onLine: (line: string) => void;
  /** What code outside the handler may take. Default: what Lambda gives it before the first event. */
  readonly initTimeoutMs?: number;
}

/** One process of a function, which handles one event at a time. */
export interface ExecutionEnvironment {
  isAlive(): boolean;
  handle(event: unknown): Handling;
  /** The most bytes of memory held; undefined where nothing counts them. */
  peakBytes(): number | undefined;
  stop(): Promise<void>;
}

interface Invocation {
  readonly id: string;
  readonly body: string;
  readonly answered: (answer: RuntimeAnswer) => void;
  readonly failed: (error: FunctionError) => void;
  readonly release: () => void;
  deadline?: NodeJS.Timeout;
  answer?: Readable;
}

/**
 * Lambda's Runtime API for one process of AWS's own runtime, and what Lambda's documentation says of the
 * process: it is frozen between two events, ended at its time limit and above its memory, and made anew
 * after that.
 *
 * @throws FunctionError when the code outside the handler fails
 */
export async function startEnvironment(options: EnvironmentOptions): Promise<ExecutionEnvironment> {
  const { fn } = options;
  const group = createMemoryGroup(fn.memoryMib);
  let current: Invocation | undefined;
  let waiting: ServerResponse | undefined;
  let fault: FunctionError | undefined;
  let peak: number | undefined;

  const server = createServer((request, response) => {
    route(request, response).catch(() => response.destroy());
  });
  // A process may stand still for as long as nobody calls: its connections are kept.
  server.keepAliveTimeout = 0;
  server.requestTimeout = 0;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const child = launch(options, port, group?.members);
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  let initialised = () => {};
  const ready = new Promise<void>((resolve) => {
    initialised = resolve;
  });
  const initTimeoutMs = options.initTimeoutMs ?? INIT_TIMEOUT_MS;
  const initLimit = setTimeout(() => {
    const says = `The init phase took more than ${initTimeoutMs / 1000} s.`;
    die(new FunctionError('Sandbox.Timedout', says));
  }, initTimeoutMs);
  child.once('exit', (code, signal) => {
    die(new FunctionError('Runtime.ExitError', `The runtime ended with ${code ?? signal}.`));
  });

  function die(error: FunctionError): void {
    clearTimeout(initLimit);
    if (fault !== undefined) return;
    fault = error;
    peak = group?.peakBytes();
    child.kill('SIGKILL');
    initialised();
    if (current !== undefined) {
      clearTimeout(current.deadline);
      current.failed(error);
      current.answer?.destroy(error);
      current.release();
      current = undefined;
    }
  }

  async function route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '';
    if (path === `${API}/invocation/next`) return next(response);
    if (path === `${API}/init/error`) {
      const { errorType = '', errorMessage = '' } = JSON.parse((await readAll(request)).toString());
      accept(response);
      return die(new FunctionError(errorType, errorMessage));
    }
    const [, id, what] = /\/invocation\/([^/]+)\/(response|error)$/.exec(path) ?? [];
    if (current === undefined || id !== current.id) {
      response.writeHead(400).end('{"errorType":"InvalidRequestID"}');
      return;
    }
    if (what === 'error') {
      const { errorType = '', errorMessage = '' } = JSON.parse((await readAll(request)).toString());
      current.failed(new FunctionError(errorType, errorMessage));
      return accept(response);
    }
    if (request.headers['lambda-runtime-function-response-mode'] === 'streaming') {
      return stream(current, request, response);
    }
    const body = await readAll(request);
    if (body.length > MAX_BUFFERED_BYTES) {
      current.failed(
        new FunctionError('Function.ResponseSizeTooLarge', `${body.length} bytes were answered.`),
      );
      response.writeHead(413).end('{"errorType":"RequestEntityTooLarge"}');
      return;
    }
    const answer = new PassThrough();
    answer.end(body);
    current.answered(answerOf(request, answer, false));
    accept(response);
  }

  /** The runtime asks for work: what it had is done, and until there is more it stands still. */
  function next(response: ServerResponse): void {
    clearTimeout(initLimit);
    waiting = response;
    clearTimeout(current?.deadline);
    current?.release();
    current = undefined;
    child.kill('SIGSTOP');
    initialised();
  }

  function stream(invocation: Invocation, request: IncomingMessage, response: ServerResponse) {
    const paced = createPace(MAX_STREAMED_BYTES);
    invocation.answer = paced;
    invocation.answered(answerOf(request, paced, true));
    request.once('end', () => {
      const type = request.trailers['lambda-runtime-function-error-type'];
      if (type !== undefined) paced.destroy(new FunctionError(String(type), 'in midstream'));
      accept(response);
    });
    pipeline(request, paced, () => {});
  }

  function hand(invocation: Invocation): void {
    current = invocation;
    child.kill('SIGCONT');
    const limitMs = fn.timeoutSeconds * 1000;
    invocation.deadline = setTimeout(() => {
      die(
        new FunctionError('Sandbox.Timedout', `Task timed out after ${fn.timeoutSeconds} seconds`),
      );
    }, limitMs);
    waiting?.writeHead(200, {
      'content-type': 'application/json',
      'Lambda-Runtime-Aws-Request-Id': invocation.id,
      'Lambda-Runtime-Deadline-Ms': String(Date.now() + limitMs),
      'Lambda-Runtime-Invoked-Function-Arn': `arn:aws:lambda:us-east-1:123456789012:function:${fn.name}`,
      'Lambda-Runtime-Trace-Id': 'Root=1-00000000-000000000000000000000000;Sampled=0',
    });
    waiting?.end(invocation.body);
    waiting = undefined;
  }

  const stop = async () => {
    die(new FunctionError('Sandbox.Stopped', 'The test ended it.'));
    await ended;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    group?.remove();
  };
  await ready;
  if (fault !== undefined) {
    await stop();
    throw fault;
  }
  return {
    isAlive: () => fault === undefined,
    handle(event) {
      let release = () => {};
      const released = new Promise<void>((resolve) => {
        release = resolve;
      });
      const answer = new Promise<RuntimeAnswer>((answered, failed) => {
        hand({ id: randomUUID(), body: JSON.stringify(event), answered, failed, release });
      });
      return { answer, released };
    },
    peakBytes: () => peak ?? group?.peakBytes(),
    stop,
  };
}

/** Starts AWS's runtime, under the memory limit where there is one. */
function launch(options: EnvironmentOptions, port: number, members?: string): ChildProcess {
  const { fn, parts, credentials, onLine } = options;
  const join = members === undefined ? '' : `echo $$ > ${members} && `;
  const child = spawn(
    'sh',
    ['-c', `${join}exec "$0" "$@"`, parts.node, parts.runtime, fn.handler],
    {
      cwd: fn.folder,
      env: {
        ...runtimeEnvironment(fn, credentials),
        AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${port}`,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  for (const output of [child.stdout, child.stderr]) {
    createInterface({ input: output }).on('line', onLine);
  }
  return child;
}

function answerOf(request: IncomingMessage, body: Readable, streamed: boolean): RuntimeAnswer {
  const contentType = request.headers['content-type'] ?? 'application/octet-stream';
  return { streamed, contentType, body };
}

function accept(response: ServerResponse): void {
  response.writeHead(202, { 'content-type': 'application/json' }).end('{"status":"OK"}');
}

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
