import type { CommandContext } from '#functions/cli/command.ts';
import { formatBytes } from '#shared/core/format-bytes.ts';
import type { Fetched } from '#shared/engine/hub/fetch-from-hub.ts';
import type { TransferProgress } from '#shared/engine/hub/progress-meter.ts';

/** How often a terminal's line changes, and how often a log gets another. */
const TERMINAL_MS = 200;
const LOG_MS = 5000;
const CLEAR_LINE = '\r\u001b[K';

/** Reports a download: licences first, then progress, rate and time left. */
export function reportDownload(stderr: CommandContext['stderr']): {
  plan(repositories: readonly Fetched[], missingBytes: number): void;
  progress(progress: TransferProgress): void;
  end(): void;
} {
  return {
    plan(repositories, missingBytes) {
      for (const { name, commit, licence } of repositories) {
        const words = [licence?.name, licence?.url].filter((word) => word !== undefined).join(', ');
        stderr.write(`${name}@${commit.slice(0, 12)}: licence ${words || 'not stated'}\n`);
      }
      if (missingBytes > 0) stderr.write(`downloading ${formatBytes(missingBytes)}\n`);
    },
    progress: reportProgress(stderr, 'downloaded'),
    end() {
      if (stderr.isTTY) stderr.write(CLEAR_LINE);
    },
  };
}

/** Writes progress from time to time: over itself on a terminal, on lines of their own elsewhere. */
export function reportProgress(
  stderr: CommandContext['stderr'],
  verb: string,
): (progress: TransferProgress) => void {
  let lastMs = performance.now();
  return (progress) => {
    const nowMs = performance.now();
    const isDone = progress.doneBytes === progress.totalBytes;
    if (!isDone && nowMs - lastMs < (stderr.isTTY ? TERMINAL_MS : LOG_MS)) return;
    lastMs = nowMs;
    const line = progressLine(progress, verb);
    stderr.write(stderr.isTTY ? `${CLEAR_LINE}${line}` : `${line}\n`);
  };
}

/** Such as `downloaded 1.20 GB of 6.90 GB, 45.0 MB/s, 2 min 7 s left`. */
function progressLine(progress: TransferProgress, verb: string): string {
  const { doneBytes, totalBytes, bytesPerSecond, secondsLeft } = progress;
  const rate = bytesPerSecond === undefined ? '' : `, ${formatBytes(bytesPerSecond)}/s`;
  const left = secondsLeft === undefined ? '' : `, ${duration(secondsLeft)} left`;
  return `${verb} ${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}${rate}${left}`;
}

function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  const minutes = Math.floor(whole / 60);
  if (minutes === 0) return `${whole} s`;
  return minutes < 60
    ? `${minutes} min ${whole % 60} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
