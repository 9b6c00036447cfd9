import { expect, it } from 'vitest';
import { parseSettings } from '#shared/deployment/settings.ts';
import { blocksRunBy } from '#test/helpers/doc-claims.ts';
import { readFromRoot } from '#test/helpers/root.ts';

/** What the reader puts in, by what stands for it. */
const OWN: Readonly<Record<string, string>> = {
  '0x…': `0x${'a'.repeat(40)}`,
  'https://…': 'https://facilitator.example.com',
  ':…:': ':123456789012:',
};

it.each(blocksRunBy(import.meta.filename))(
  '$document, line $line: the context of cdk.json takes it',
  ({ code }) => {
    const text = Object.entries(OWN).reduce(
      (filled, [stand, own]) => filled.replace(stand, own),
      code,
    );
    const shown: Record<string, object> = JSON.parse(text);
    const { context } = JSON.parse(readFromRoot('cdk.json'));
    const settings = parseSettings({ ...context, ...shown });
    const members = Object.entries(shown).map(([key, value]) => [
      key.replace('onestep:', ''),
      value,
    ]);
    expect(members).toHaveLength(1);
    expect(settings).toMatchObject(Object.fromEntries(members));
  },
);
