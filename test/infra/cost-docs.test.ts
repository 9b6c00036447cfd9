import { expect, it } from 'vitest';
import { cost } from '#functions/cli/commands/cost.ts';
import { fromRoot, readFromRoot } from '#test/helpers/root.ts';
import { runCommand } from '#test/helpers/run-command.ts';

const text = readFromRoot('docs/costs.md');

it('docs/costs.md holds what the command prints; update it with --update', async () => {
  let expected = text;
  const blocks = [...text.matchAll(/<!-- onestep cost (.*?) -->\n[\s\S]*?<!-- end -->/g)];
  expect(blocks).toHaveLength(3);
  for (const [block, words = ''] of blocks) {
    const table = await runCommand('cost', cost, words.split(' '));
    expected = expected.replace(
      block,
      () => `<!-- onestep cost ${words} -->\n${table}<!-- end -->`,
    );
  }
  await expect(expected).toMatchFileSnapshot(fromRoot('docs/costs.md'));
});
