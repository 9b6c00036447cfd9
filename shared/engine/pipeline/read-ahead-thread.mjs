// The thread that reads files into the page cache. Plain JavaScript: it starts without the loader
// that runs TypeScript, which a thread may not inherit.
import { closeSync, openSync, readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';

/** What is read is not needed: each read overwrites the last. */
const buffer = new Uint8Array(4 * 2 ** 20);

function read(path) {
  const file = openSync(path, 'r');
  try {
    let bytes = 0;
    for (let count = 1; count > 0; bytes += count) count = readSync(file, buffer);
    return bytes;
  } finally {
    closeSync(file);
  }
}

for (const path of workerData) parentPort.postMessage(read(path));
