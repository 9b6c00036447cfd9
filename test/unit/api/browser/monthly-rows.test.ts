import { expect, test } from 'vitest';
import type { Statement } from '#functions/api/account/statement-schema.ts';
import { monthlyRows } from '#functions/api/browser/account/monthly-rows.ts';

type Line = Statement['lines'][number];

const line = (id: string, at: string, change: number, more: Partial<Line>): Line => ({
  id,
  at,
  kind: 'capture',
  change,
  total: 0,
  prediction: null,
  model: null,
  images: null,
  reference: null,
  note: null,
  expires_at: null,
  ...more,
});

test("a day's pictures of a model are one row between payments, and nothing is lost of the sum", () => {
  const lines = [
    line('1', '2026-11-01T08:00:00.000Z', 100, { kind: 'grant', reference: 'pi_1', total: 100 }),
    line('2', '2026-11-01T09:00:00.000Z', -10, { model: 'a', images: 1, total: 90 }),
    line('3', '2026-11-01T10:00:00.000Z', -20, { model: 'a', images: 2, total: 70 }),
    line('4', '2026-11-01T11:00:00.000Z', -5, { model: 'b', images: 1, total: 65 }),
    line('5', '2026-11-02T11:00:00.000Z', -5, { model: 'b', images: 1, total: 60 }),
    line('6', '2026-11-02T12:00:00.000Z', -60, { kind: 'reversal', reference: 're_1', total: 0 }),
    line('7', '2026-11-02T13:00:00.000Z', -5, { model: 'b', images: 1, total: -5 }),
  ];
  const rows = monthlyRows({ lines });
  expect(rows.map(({ what, change, total }) => [what, change, total])).toEqual([
    ['Credit added', 100, 100],
    ['3 pictures', -30, 70],
    ['1 picture', -5, 65],
    ['1 picture', -5, 60],
    ['Payment reversed', -60, 0],
    ['1 picture', -5, -5],
  ]);
  expect(rows.reduce((sum, { change }) => sum + change, 0)).toBe(-5);
});
