import { Transform } from 'node:stream';

/** Lambda streams so much at once, and what comes after it at a bounded rate. */
const UNCAPPED_BYTES = 6 * 1024 * 1024;
const BYTES_PER_SECOND = 2 * 1024 * 1024;

/** Passes an answer on as fast as Lambda does, and no more of it than it does. */
export function createPace(maxBytes: number): Transform {
  let passed = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      passed += chunk.length;
      if (passed > maxBytes) {
        done(new Error('Function.ResponseSizeTooLarge'));
        return;
      }
      const late = Math.min(chunk.length, Math.max(0, passed - UNCAPPED_BYTES));
      if (late === 0) done(null, chunk);
      else setTimeout(() => done(null, chunk), (late / BYTES_PER_SECOND) * 1000);
    },
  });
}
