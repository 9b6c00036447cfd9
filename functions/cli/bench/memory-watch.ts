import { readFileSync, writeFileSync } from 'node:fs';

const SAMPLE_INTERVAL_MS = 20;
const KIBIBYTE = 1024;

export interface PeakMemory {
  /** Most bytes resident, file pages among them. */
  readonly rssBytes: number;
  /** Most bytes resident that no file stands behind. */
  readonly anonymousBytes: number;
}

/** Watches another process, for its own thread is blocked while a graph runs. Linux only. */
export class MemoryWatch {
  private readonly processId: number;
  private readonly timer: NodeJS.Timeout;
  private anonymous = 0;

  constructor(processId: number) {
    this.processId = processId;
    this.timer = setInterval(() => this.sample(), SAMPLE_INTERVAL_MS);
  }

  /** Forgets the peaks so far. */
  reset(): void {
    this.anonymous = 0;
    try {
      // 5: reset the peak resident set size, as proc(5) says.
      writeFileSync(`/proc/${this.processId}/clear_refs`, '5');
    } catch {
      // Not permitted everywhere; the peak is then that of the whole life.
    }
    this.sample();
  }

  /** Peaks since the last reset. */
  peak(): PeakMemory {
    this.sample();
    return { rssBytes: this.read().peakRss, anonymousBytes: this.anonymous };
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private sample(): void {
    this.anonymous = Math.max(this.anonymous, this.read().anonymous);
  }

  private read(): { peakRss: number; anonymous: number } {
    let status = '';
    try {
      status = readFileSync(`/proc/${this.processId}/status`, 'utf8');
    } catch {
      // The process has ended.
    }
    const kilobytes = (field: string) =>
      Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) * KIBIBYTE;
    return { peakRss: kilobytes('VmHWM'), anonymous: kilobytes('RssAnon') };
  }
}
