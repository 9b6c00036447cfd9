import { expect, test } from 'vitest';
import { readFromRoot } from '#test/helpers/root.ts';
import { MUTATIONS } from '#test/simulation/mutations/all.ts';

test.each(MUTATIONS)('what the mutation "$name" takes back is in the code, once', ({ edits }) => {
  for (const changes of Object.values(edits)) {
    const texts = new Map<string, string>();
    for (const [file, from, to] of changes) {
      const text = texts.get(file) ?? readFromRoot(file);
      expect(text.split(from), `${file}: ${from}`).toHaveLength(2);
      expect(to).not.toBe(from);
      texts.set(
        file,
        text.replace(from, () => to),
      );
    }
  }
});

test('docs/reliability.md lists every mutation, and what holds those that the simulation misses', () => {
  const rows = [
    ...readFromRoot('docs/reliability.md').matchAll(/^\| (.+) \| (notices|misses.*) \|$/gm),
  ];
  expect(rows.map(([, name, verdict]) => [name, verdict])).toEqual(
    MUTATIONS.map(({ name, heldBy }) => [
      name,
      heldBy === undefined ? 'notices' : `misses it; held by ${heldBy}`,
    ]),
  );
});
