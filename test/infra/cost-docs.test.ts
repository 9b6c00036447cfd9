import { expect, it } from 'vitest';
import type { CommandContext } from '#functions/cli/command.ts';
import { cost } from '#functions/cli/commands/cost.ts';
import { fromRoot, readFromRoot } from '#test/helpers/root.ts';

const text = readFromRoot('docs/costs.md');

async function printed(words: string): Promise<string> {
  const pairs = [...words.matchAll(/--(\S+) (\S+)/g)].map(([, name, value]) => [name, value]);
  let output = '';
  await cost.run({
    values: Object.fromEntries(pairs),
    positionals: [],
    stdout: {
      write: (chunk: string) => {
        output += chunk;
      },
    },
  } as unknown as CommandContext);
  return output;
}

it('docs/costs.md holds what the command prints; update it with --update', async () => {
  let expected = text;
  const blocks = [...text.matchAll(/<!-- onestep cost (.*?) -->\n[\s\S]*?<!-- end -->/g)];
  expect(blocks).toHaveLength(2);
  for (const [block, words = ''] of blocks) {
    const table = await printed(words);
    expected = expected.replace(
      block,
      () => `<!-- onestep cost ${words} -->\n${table}<!-- end -->`,
    );
  }
  await expect(expected).toMatchFileSnapshot(fromRoot('docs/costs.md'));
});
