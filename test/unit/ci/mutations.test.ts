import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { fromRoot } from '#test/helpers/root.ts';
import { RULES } from '#test/simulation/mutations/rules.ts';
import { STRANGER } from '#test/simulation/mutations/stranger.ts';
import { TRANSACTIONS } from '#test/simulation/mutations/transactions.ts';

test.each([...RULES, ...STRANGER, ...TRANSACTIONS])(
  'what the mutation "$name" takes back is in the code, once',
  ({ edits }) => {
    for (const [file, from] of Object.values(edits).flat()) {
      expect(readFileSync(fromRoot(file), 'utf8').split(from), `${file}: ${from}`).toHaveLength(2);
    }
  },
);
