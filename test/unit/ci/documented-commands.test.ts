import { expect, it } from 'vitest';
import { blocksRunBy } from '#test/helpers/doc-claims.ts';
import { readFromRoot } from '#test/helpers/root.ts';

/** The commands that `.ci/run` runs, each a step or a run of tests. */
const steps = [...readFromRoot('.ci/run').matchAll(/^(?:step|suite) \S+ (.+?)(?: --)?$/gm)].map(
  ([, command]) => command,
);

it.each(
  blocksRunBy(import.meta.filename).flatMap(({ document, code }) =>
    code
      .trim()
      .split('\n')
      .map((line) => [document, line] as const),
  ),
)('%s: .ci/run runs %s', (_, line) => {
  expect(steps).toContain(line);
});
