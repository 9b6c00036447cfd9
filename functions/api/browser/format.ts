/** `$0.004` for 4000 micro-USD; at least two decimals. */
export function usd(microUsd: number): string {
  const text = (Math.abs(microUsd) / 1_000_000).toFixed(6).replace(/0{1,4}$/, '');
  return `${microUsd < 0 ? '−' : ''}$${text}`;
}

/** `340 ms`, `2.4 s`, `3 min 20 s`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

/** A point in time in the reader's own words; the year where it is not this one. */
export function when(iso: string | number): string {
  const date = new Date(iso);
  const thisYear = date.getFullYear() === new Date().getFullYear();
  return date.toLocaleString(undefined, {
    ...(thisYear ? {} : { year: 'numeric' }),
    month: 'short',
    day: 'numeric',
    hour: 'numeric',
    minute: '2-digit',
  });
}
