import { readFileSync, writeFileSync } from 'node:fs';

const SAMPLE_INTERVAL_MS = 20;
const KIBIBYTE = 1024;

/** Watches the memory of another process, whose own thread is blocked while a graph runs. Linux only. */
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

  /** Most bytes resident since the last reset: all of them, and those that no file backs. */
  peak(): { readonly peakRssBytes: number; readonly peakAnonymousBytes: number } {
    this.sample();
    return { peakRssBytes: this.read('VmHWM'), peakAnonymousBytes: this.anonymous };
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private sample(): void {
    this.anonymous = Math.max(this.anonymous, this.read('RssAnon'));
  }

  private read(field: string): number {
    try {
      const status = readFileSync(`/proc/${this.processId}/status`, 'utf8');
      return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * KIBIBYTE || 0;
    } catch {
      // The process has ended.
      return 0;
    }
  }
}
