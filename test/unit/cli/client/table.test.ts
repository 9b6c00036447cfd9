import { describe, expect, it } from 'vitest';
import { formatTable } from '#functions/cli/client/table.ts';

const TITLES = ['created (UTC)', 'id', 'status', '>charged', 'prompt'];
const ROWS = [
  [
    '2026-11-23 21:17:05',
    'p'.repeat(26),
    'succeeded',
    '$0.004',
    'a red house by the sea at sunset',
  ],
  ['2026-11-23 21:18:05', 'q'.repeat(26), 'failed', '', 'boat'],
];
const at = (columns: number | undefined, hasColour = false) =>
  formatTable(TITLES, ROWS, { columns, hasColour });

describe('formatTable', () => {
  it.each([60, 80, 100, 120, 160])('fits %d columns', (columns) => {
    for (const line of at(columns).split('\n')) expect(line.length).toBeLessThanOrEqual(columns);
  });

  it('cuts the last column alone while it has room', () => {
    expect(at(90)).toContain('a red house by the s…\n');
    expect(at(undefined)).toContain('a red house by the sea at sunset\n');
  });

  it('becomes paragraphs where there is no room, and loses nothing', () => {
    expect(at(60)).toContain(`id             ${'p'.repeat(26)}\n`);
    expect(at(60)).toContain('prompt         a red house by the sea at sunset\n');
    expect(at(60).split('\n\n')).toHaveLength(2);
  });

  it('has colour only where it is asked for', () => {
    expect(at(100)).not.toContain('\u001b');
    expect(at(100, true).startsWith('\u001b[1mcreated')).toBe(true);
  });
});
