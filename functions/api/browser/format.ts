/** `$0.004` for 4000 micro-USD; at least two decimals. */
export function usd(microUsd: number): string {
  const text = (Math.abs(microUsd) / 1_000_000).toFixed(6).replace(/0{1,4}$/, '');
  return `${microUsd < 0 ? '−' : ''}$${text}`;
}

/** `340 ms`, `2.4 s`, `12 s`, `3 min 20 s`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${ms < 10_000 ? (ms / 1000).toFixed(1) : seconds} s`;
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
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

/** `1 picture`, `3 pictures`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** `a-red-house`: the prompt as a part of file names. */
export function nameOf(prompt: string): string {
  const words = prompt
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .slice(0, 60)
    .replace(/^-+|-+$/g, '');
  return words || 'picture';
}

/** `a-red-house-7.png`: what a picture is called where it is kept. */
export function fileName(prompt: string, seed: number | null | undefined, url: string): string {
  const ending = /\.(png|jpe?g|webp)(?:\?|$)/.exec(url)?.[1] ?? 'png';
  return `${nameOf(prompt)}${typeof seed === 'number' ? `-${seed}` : ''}.${ending}`;
}

/** A change of money: `+$5.00` for what came in. */
export function signed(amount: number): string {
  return amount > 0 ? `+${usd(amount)}` : usd(amount);
}
