import { expect, test } from 'vitest';
import { measureWatermark } from '#test/bench/watermark/watermark.ts';

/** How many pictures; `ONESTEP_WATERMARK_PICTURES` asks for more. */
const PICTURES = Number(process.env['ONESTEP_WATERMARK_PICTURES'] ?? 20);

test('the watermark lives through what is promised', async () => {
  const report = await measureWatermark({ pictures: PICTURES, side: 512, unmarked: PICTURES });
  const { photographs, demo } = report.pictures;
  expect(photographs + demo).toBe(PICTURES);
  expect(photographs).toBeGreaterThan(0.4 * PICTURES);
  expect(report.psnr.least).toBeGreaterThan(42);
  for (const { attack, promised, found } of report.rows) {
    if (promised !== undefined) expect(found, attack).toBeGreaterThanOrEqual(promised);
  }
  expect(report.wrong).toBe(0);
  expect(report.unmarked.found).toBe(0);
}, 900_000);
