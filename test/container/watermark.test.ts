import { expect, test } from 'vitest';
import { measureWatermark } from '#test/bench/watermark/watermark.ts';

test('the watermark lives through what is promised, on a hundred pictures', async () => {
  const report = await measureWatermark({ pictures: 100, side: 512, unmarked: 100 });
  const { photographs, demo } = report.pictures;
  expect(photographs + demo).toBe(100);
  expect(photographs).toBeGreaterThan(40);
  expect(report.psnr.least).toBeGreaterThan(42);
  for (const { attack, promised, found } of report.rows) {
    if (promised !== undefined) expect(found, attack).toBeGreaterThanOrEqual(promised);
  }
  expect(report.wrong).toBe(0);
  expect(report.unmarked.found).toBe(0);
}, 900_000);
