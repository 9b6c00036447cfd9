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
const pictures: Buffer[] = [];
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
  const picture = Buffer.from(await answer.arrayBuffer());
  pictures.push(picture);
  tiles.push({
    input: await sharp(picture).resize(SIDE, SIDE).png().toBuffer(),
    left: index * SIDE,
    top: 0,
  });
}
const sheet = await sharp({
  create: { width: SIDE * SAMPLES.length, height: SIDE, channels: 3, background: '#ffffff' },
})
  .composite(tiles)
  .webp({ quality: 72 })
  .toBuffer();
/** Previews of links show two rows of three. */
const TILE = 200;
const card = await sharp({
  create: { width: 3 * TILE, height: 2 * TILE, channels: 3, background: '#ffffff' },
})
  .composite(
    await Promise.all(
      pictures.map(async (picture, index) => ({
        input: await sharp(picture).resize(TILE, TILE).toBuffer(),
        left: (index % 3) * TILE,
        top: Math.floor(index / 3) * TILE,
      })),
    ),
  )
  .jpeg({ quality: 70, mozjpeg: true })
  .toBuffer();
const text = `/** A WebP and a JPEG that \`.ci/pictures/samples.ts\` draws. */\nexport const SAMPLE_SHEET_BASE64 =\n  '${sheet.toString('base64')}';\nexport const SOCIAL_CARD_BASE64 =\n  '${card.toString('base64')}';\n`;
writeFileSync(fileURLToPath(OUT), text);
process.stdout.write(`${sheet.length} and ${card.length} bytes\n`);
