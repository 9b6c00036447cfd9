// The thread that takes the digests of a package's files while another makes their bytes. Plain
// JavaScript: it starts without the loader that runs TypeScript, which a thread may not inherit.
import { createHash } from 'node:crypto';
import { parentPort } from 'node:worker_threads';

let hash = createHash('sha256');

// One answer to each message, in their order: the digest where there are no more bytes.
parentPort.on('message', (bytes) => {
  if (bytes === undefined) {
    parentPort.postMessage(hash.digest('hex'));
    hash = createHash('sha256');
  } else {
    hash.update(bytes);
    parentPort.postMessage(undefined);
  }
});
