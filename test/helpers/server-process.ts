import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from './root.ts';

const LAUNCH = 'functions/cli/launch.mjs';

/** What `npm start -- --json` prints when it is ready. */
export interface ReadyLine {
  readonly url: string;
  readonly key: string;
  readonly admin_key: string;
  readonly pid: number;
}

export interface RunningServer extends ReadyLine {
  readonly process: ChildProcess;
  readonly data: string;
  /** Everything that it has written to standard error. */
  stderr(): string;
  /** Sends a signal and resolves with how the process ended. */
  end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals | null>;
  /** Sends a request with the first key, or the admin key. */
  send(path: string, init?: SendInit): Promise<Response>;
}

interface SendInit extends RequestInit {
  readonly json?: unknown;
  readonly admin?: boolean;
}

export interface ServerOptions {
  /** The data folder; a new one when absent. */
  readonly data?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
}

/** A new folder under the system's temporary one. */
export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'onestep-e2e-'));
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

/** Starts the real server, as a user would, and resolves when it says that it is ready. */
export async function startServer(options: ServerOptions = {}): Promise<RunningServer> {
  const data = options.data ?? temporaryFolder();
  const started = spawnServer({ ...options, data });
  const ready = await started.ready;
  return {
    ...ready,
    ...started,
    data,
    async send(path, init = {}) {
      const { json, admin = false, ...rest } = init;
      const headers = new Headers(rest.headers);
      if (!headers.has('authorization')) {
        headers.set('authorization', `Bearer ${admin ? ready.admin_key : ready.key}`);
      }
      if (json !== undefined) headers.set('content-type', 'application/json');
      const url = path.startsWith('http') ? path : `${ready.url}${path}`;
      return fetch(url, {
        method: json === undefined ? 'GET' : 'POST',
        ...rest,
        headers,
        ...(json === undefined ? {} : { body: JSON.stringify(json) }),
      });
    },
  };
}

/** Starts the server process without waiting for it. */
export function spawnServer(options: ServerOptions & { readonly data: string }) {
  const words = ['start', '--port', '0', '--data', options.data, '--json', ...(options.args ?? [])];
  const server = spawn(process.execPath, [LAUNCH, ...words], {
    cwd: ROOT,
    env: { ...process.env, ONESTEP_SKIP_INSTALL: '1', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let errors = '';
  server.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const exited = new Promise<number | NodeJS.Signals | null>((resolve) => {
    server.once('exit', (code, signal) => resolve(signal ?? code));
  });
  const ready = new Promise<ReadyLine>((resolve, reject) => {
    let text = '';
    server.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      if (text.includes('\n')) resolve(JSON.parse(text.slice(0, text.indexOf('\n'))));
    });
    void exited.then((how) => reject(new Error(`The server ended (${how}): ${errors}`)));
  });
  // Whoever wants to know waits for it; others only wait for the end.
  ready.catch(() => undefined);
  return {
    process: server,
    ready,
    exited,
    stderr: () => errors,
    end(signal: NodeJS.Signals) {
      server.kill(signal);
      return exited;
    },
  };
}
