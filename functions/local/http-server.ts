import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { AppError } from '#shared/core/errors.ts';

/** What the HTTP library gives each request beside itself. */
export interface NodePlatform {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
}

export interface HttpServer {
  /** `http://127.0.0.1:8787` */
  readonly url: string;
  /** Takes no more connections, lets answers in progress end, and after `timeoutMs` cuts them off. */
  close(timeoutMs: number): Promise<void>;
}

/**
 * Serves an app on a TCP port.
 *
 * @param port 0 for any that is free
 * @throws AppError `conflict` when the port is taken, `invalid-request` when the host is not ours
 */
export async function startHttpServer(options: {
  readonly fetch: (request: Request, platform: NodePlatform) => Response | Promise<Response>;
  readonly host: string;
  readonly port: number;
}): Promise<HttpServer> {
  const { host, port } = options;
  const listener = getRequestListener((request, platform) =>
    options.fetch(request, platform as NodePlatform),
  );
  const server = createServer({ keepAliveTimeout: 75_000 }, listener);
  await listen(server, host, port);
  const address = server.address() as AddressInfo;
  const shown = host === '0.0.0.0' || host === '::' ? 'localhost' : host;
  return {
    url: `http://${shown.includes(':') ? `[${shown}]` : shown}:${address.port}`,
    close: (timeoutMs) =>
      new Promise((resolve) => {
        const timer = setTimeout(() => server.closeAllConnections(), timeoutMs);
        server.close(() => {
          clearTimeout(timer);
          resolve();
        });
        server.closeIdleConnections();
      }),
  };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => reject(listenError(cause, host, port)));
    server.listen(port, host, resolve);
  });
}

function listenError(cause: NodeJS.ErrnoException, host: string, port: number): AppError {
  if (cause.code === 'EADDRINUSE') {
    return new AppError(
      'conflict',
      `Port ${port} of ${host} is in use. Choose another with --port.`,
      { cause },
    );
  }
  return new AppError('invalid-request', `Can't listen on ${host}:${port}: ${cause.message}`, {
    cause,
  });
}
