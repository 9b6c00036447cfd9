import { spawn } from 'node:child_process';

export interface PrintedStart {
  readonly url: string;
  /** Those that a first start prints. */
  readonly key: string;
  readonly adminKey: string;
  /** Ends it as Ctrl-C in a terminal does. */
  stop(): Promise<void>;
}

/**
 * Runs a document's commands, the last of which starts the server, on any free port; resolves with what
 * the server says of itself.
 */
export function startAsPrinted(
  commands: string,
  options: { readonly cwd: string; readonly env?: NodeJS.ProcessEnv },
): Promise<PrintedStart> {
  const shell = spawn('bash', ['-euo', 'pipefail', '-c', commands], {
    cwd: options.cwd,
    // Of its own group, as in a terminal.
    detached: true,
    env: { ...process.env, ...options.env, ONESTEP_PORT: '0' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = new Promise<void>((resolve) => shell.once('exit', () => resolve()));
  const stop = async () => {
    const runs = shell.exitCode === null && shell.signalCode === null;
    if (runs) process.kill(-(shell.pid ?? 0), 'SIGINT');
    await exited;
  };
  return new Promise((resolve, reject) => {
    let text = '';
    const said = (pattern: RegExp) => pattern.exec(text)?.[1] ?? '';
    shell.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      if (!text.includes('Ctrl-C')) return;
      resolve({
        url: said(/running at (\S+)/),
        key: said(/API key\s+(os_\S+)/),
        adminKey: said(/Admin key\s+(os_\S+)/),
        stop,
      });
    });
    void exited.then(() => reject(new Error(`It ended: ${text}`)));
  });
}
