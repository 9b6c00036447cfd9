import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EmbeddedServer } from '#functions/local/compose.ts';
import { loadServeConfig, type ServeConfig } from '#functions/local/serve-config.ts';
import { importCompiled } from './compiled.ts';

export interface RealServer extends EmbeddedServer {
  /** Everything that the server complained of. */
  readonly errors: unknown[];
  /** Calls the API with the first admin key and reads its JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests read answers of every shape.
  call(method: string, path: string, body?: unknown): Promise<any>;
  /** Orders with the first key, waits for the end, and reads its JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests read answers of every shape.
  order(path: string, body: unknown): Promise<any>;
}

/** The server as `npm start` runs it, with the demo model, on a free port over a fresh folder. */
export async function startRealServer(
  config: Partial<Record<keyof ServeConfig, string>> = {},
): Promise<RealServer> {
  const folder = mkdtempSync(join(tmpdir(), 'onestep-real-'));
  const errors: unknown[] = [];
  const { startEmbeddedServer } = await importCompiled<
    typeof import('#functions/local/compose.ts')
  >('functions/local/compose.js');
  const server = await startEmbeddedServer(
    loadServeConfig({
      flags: { data: folder, port: '0', synchronous: 'normal', ...config },
      env: {},
      file: 'none',
      fileRequired: false,
    }),
    { env: process.env, onError: (error, what) => errors.push([what, error]), onLog: () => {} },
  );
  return {
    ...server,
    errors,
    async call(method, path, body) {
      const answer = await fetch(server.url + path, {
        method,
        headers: {
          authorization: `Bearer ${server.keys.adminKey}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await answer.text();
      return text === '' ? undefined : JSON.parse(text);
    },
    async order(path, body) {
      const answer = await fetch(server.url + path, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${server.keys.key}`,
          'content-type': 'application/json',
          prefer: 'wait',
        },
        body: JSON.stringify(body),
      });
      if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
      return answer.json();
    },
    async close() {
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
