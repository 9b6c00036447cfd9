import type { Child } from 'hono/jsx';

/** How something stands, with a dot that shows it before it is read. */
export function State({
  tone,
  children,
}: {
  readonly tone: 'good' | 'bad' | 'neutral';
  readonly children?: Child;
}) {
  return <span class={`state ${tone}`}>{children}</span>;
}
