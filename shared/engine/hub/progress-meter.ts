import type { Clock } from '#shared/core/clock.ts';

/** The progress of a transfer. */
export interface TransferProgress {
  readonly doneBytes: number;
  readonly totalBytes: number;
  /** Over the last few seconds; undefined until something has arrived. */
  readonly bytesPerSecond: number | undefined;
  readonly secondsLeft: number | undefined;
}

const WINDOW_MS = 10_000;
const SAMPLE_MS = 250;

/**
 * Measures a transfer: call it with the bytes of each piece. Bytes present beforehand count as done
 * but not towards the rate.
 */
export function createProgressMeter(
  totalBytes: number,
  presentBytes: number,
  clock: Clock,
): (bytes: number) => TransferProgress {
  let doneBytes = presentBytes;
  /** Bytes done at past moments, oldest first; the first is at most one sample older than the window. */
  const samples = [{ atMs: clock.now(), bytes: presentBytes }];
  return (bytes) => {
    const nowMs = clock.now();
    doneBytes += bytes;
    // Discarded bytes make past samples useless.
    if (bytes < 0) samples.splice(0, samples.length, { atMs: nowMs, bytes: doneBytes });
    if (nowMs - (samples.at(-1)?.atMs ?? 0) >= SAMPLE_MS) {
      samples.push({ atMs: nowMs, bytes: doneBytes });
    }
    while (nowMs - (samples[1]?.atMs ?? nowMs) > WINDOW_MS) samples.shift();
    const { atMs, bytes: before } = samples[0] ?? { atMs: nowMs, bytes: doneBytes };
    const bytesPerSecond =
      nowMs > atMs && doneBytes > before
        ? ((doneBytes - before) / (nowMs - atMs)) * 1000
        : undefined;
    const secondsLeft =
      bytesPerSecond === undefined ? undefined : (totalBytes - doneBytes) / bytesPerSecond;
    return { doneBytes, totalBytes, bytesPerSecond, secondsLeft };
  };
}
