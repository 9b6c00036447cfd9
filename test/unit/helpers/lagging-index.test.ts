import { expect, it } from 'vitest';
import { LaggingIndex } from '#test/helpers/memory-dynamo/lagging-index.ts';

const SCHEMA = { partitionKey: 'queuePk', sortKey: 'queueSk', include: [] };
const at = (queueSk: string) => ({ pk: 'p', sk: 's', queuePk: 'LINE', queueSk });
const keys = (index: LaggingIndex) => index.places('LINE').map(({ sort }) => sort);

it('hears of one item’s changes in their order, and of another’s before', () => {
  const index = new LaggingIndex(SCHEMA);
  const key = { pk: 'p', sk: 's' };
  index.note('one', key, at('1'), 2000);
  index.note('one', key, at('2'), 1000);
  index.note('other', key, at('9'), 1500);
  index.hear(1500);
  expect(keys(index)).toEqual(['9']);
  index.hear(1999);
  expect(keys(index)).toEqual(['9']);
  index.hear(2000);
  expect(keys(index)).toEqual(['2', '9']);
  index.note('one', key, undefined, 3000);
  index.hear(2999);
  expect(keys(index)).toEqual(['2', '9']);
  index.hear(3000);
  expect(keys(index)).toEqual(['9']);
});
