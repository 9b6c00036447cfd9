import { get } from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bench } from './bench.ts';
import { runLoad } from './load.ts';
import { order, type Running, read, startServer } from './measured-server.ts';

const STREAMS = 10_000;
/** Opened at one time: a listening socket has a short line. */
const AT_ONCE = 200;
const READERS = 10;
const SECONDS = 10;

export const streamsBench: Bench = {
  summary: '10,000 streams of a prediction that waits, held open while others read',
  async run({ stdout }) {
    const folder = mkdtempSync(join(tmpdir(), 'onestep-bench-'));
    const server = await startServer({ kind: 'service', folder, synchronous: 'normal' });
    try {
      const reading = () => runLoad(read(server), { connections: READERS, seconds: SECONDS });
      const alone = await reading();
      const before = await server.usage();
      const held = await openStreams(await streamUrl(server));
      const beside = await reading();
      const after = await server.usage();
      const document = {
        streams: held.length,
        ended: held.filter((stream) => stream.ended).length,
        memory_bytes_each: Math.round((after.memoryBytes - before.memoryBytes) / held.length),
        reads_alone: alone,
        reads_beside: beside,
      };
      stdout.write(`${JSON.stringify(document, null, 2)}\n`);
    } finally {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

async function streamUrl(server: Running): Promise<string> {
  const { url, ...request } = order(server, server.keys.rich);
  const answer = await fetch(url, request as RequestInit);
  const { urls } = (await answer.json()) as { urls: { stream: string } };
  return urls.stream;
}

/** Resolves once all of them have sent their first event. */
async function openStreams(url: string): Promise<readonly { ended: boolean }[]> {
  const held: { ended: boolean }[] = [];
  while (held.length < STREAMS) {
    held.push(...(await Promise.all(Array.from({ length: AT_ONCE }, () => openStream(url)))));
  }
  return held;
}

function openStream(url: string): Promise<{ ended: boolean }> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false }, (response) => {
      const stream = { ended: false };
      response.once('data', () => resolve(stream));
      response.once('close', () => {
        stream.ended = true;
      });
    });
    request.once('error', reject);
  });
}
