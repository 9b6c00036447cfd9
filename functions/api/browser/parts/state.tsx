import type { Child } from 'hono/jsx';

/** A state in words, with a dot in its colour. */
export function State({
  tone,
  children,
}: {
  readonly tone: 'good' | 'bad' | 'neutral';
  readonly children?: Child;
}) {
  return <span class={`state ${tone}`}>{children}</span>;
}
