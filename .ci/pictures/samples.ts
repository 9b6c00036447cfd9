/**
 * Draws the playground's samples by a running server's demo model, as the sheet that the page shows:
 * npx tsx .ci/pictures/samples.ts URL KEY
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { OPENING_SEED, SAMPLES } from '#functions/api/browser/live/samples.ts';

const SIDE = 128;
const OUT = new URL('../../functions/api/pages/sample-sheet-data.ts', import.meta.url);
const [url, key] = process.argv.slice(2);

const tiles = [];
for (const [index, prompt] of SAMPLES.entries()) {
  const answer = await fetch(`${url}/v1/images`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
      accept: 'image/png',
    },
    body: JSON.stringify({ prompt, seed: OPENING_SEED }),
  });
  if (!answer.ok) throw new Error(await answer.text());
  const picture = sharp(Buffer.from(await answer.arrayBuffer())).resize(SIDE, SIDE);
  tiles.push({ input: await picture.png().toBuffer(), left: index * SIDE, top: 0 });
}
const sheet = await sharp({
  create: { width: SIDE * SAMPLES.length, height: SIDE, channels: 3, background: '#ffffff' },
})
  .composite(tiles)
  .webp({ quality: 72 })
  .toBuffer();
const text = `/** A WebP that \`.ci/pictures/samples.ts\` draws. */\nexport const SAMPLE_SHEET_BASE64 =\n  '${sheet.toString('base64')}';\n`;
writeFileSync(fileURLToPath(OUT), text);
process.stdout.write(`${sheet.length} bytes\n`);
