// The thread that takes the digests of a package's files while another makes their bytes. In plain
// JavaScript, so that it starts without the TypeScript loader.
import { createHash } from 'node:crypto';
import { parentPort } from 'node:worker_threads';

let hash = createHash('sha256');

// One answer to each message, in order: the digest after a message without bytes.
parentPort.on('message', (bytes) => {
  if (bytes === undefined) {
    parentPort.postMessage(hash.digest('hex'));
    hash = createHash('sha256');
  } else {
    hash.update(bytes);
    parentPort.postMessage(undefined);
  }
});
