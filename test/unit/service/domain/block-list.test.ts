import { describe, expect, it } from 'vitest';
import { createBlockList, parseBlockList } from '#shared/service/domain/block-list.ts';

describe('createBlockList', () => {
  const check = createBlockList([
    'Voldemort',
    'red  flag',
    'c++',
    '裸体',
    '/colou?r of \\d+ moons/',
  ]);

  it.each([
    'a portrait of voldemort',
    'VOLDEMORT!',
    'ｖｏｌｄｅｍｏｒｔ at dusk',
    'volde\u200bmort',
    'a red\nflag on a hill',
    'a red-flag on a hill',
    'code in C++, please',
    '一幅裸体画',
    'the Color of 12 moons',
  ])('refuses %j', (prompt) => {
    expect(check(prompt)).toMatch(/does not make/);
  });

  it.each(['voldemorts', 'a flag that is red', 'red flags', 'colours of 12 moons', ''])(
    'takes %j',
    (prompt) => {
      expect(check(prompt)).toBeUndefined();
    },
  );

  it('says which words it was', () => {
    expect(check('see Voldemort run')).toContain('"Voldemort"');
  });

  it('names a term that is no regular expression', () => {
    expect(() => createBlockList(['/(/'])).toThrow(/\/\(\/ does not work/);
  });

  it('lets a regular expression with flags of its own match again and again', () => {
    const again = createBlockList(['/moon/gy']);
    expect([again('a moon'), again('a moon')]).toEqual([expect.any(String), expect.any(String)]);
  });
});

it('reads a list with one term on each line', () => {
  expect(parseBlockList('# people\nvoldemort\r\n\n  red flag  \n')).toEqual([
    'voldemort',
    'red flag',
  ]);
});
