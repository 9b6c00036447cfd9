/** Pixels between pictures, and around them. */
const GAP = 16;
const BACKGROUND = '#18181b';
/** The longer side of a picture on the sheet is at most this many pixels. */
const MAX_SIDE = 512;

/**
 * Pictures of one size side by side on one PNG, in rows that make it about square, the first at the
 * upper left.
 *
 * @param files encoded pictures, at least one
 */
export async function contactSheet(files: readonly Uint8Array[]): Promise<Uint8Array> {
  const { default: sharp } = await import('sharp');
  const tiles = await Promise.all(
    files.map((file) =>
      sharp(file)
        .resize({ width: MAX_SIDE, height: MAX_SIDE, fit: 'inside', withoutEnlargement: true })
        .png()
        .toBuffer({ resolveWithObject: true }),
    ),
  );
  const width = Math.max(...tiles.map(({ info }) => info.width));
  const height = Math.max(...tiles.map(({ info }) => info.height));
  const columns = Math.ceil(Math.sqrt(tiles.length));
  const rows = Math.ceil(tiles.length / columns);
  return sharp({
    create: {
      width: columns * (width + GAP) + GAP,
      height: rows * (height + GAP) + GAP,
      channels: 3,
      background: BACKGROUND,
    },
  })
    .composite(
      tiles.map(({ data }, i) => ({
        input: data,
        left: GAP + (i % columns) * (width + GAP),
        top: GAP + Math.floor(i / columns) * (height + GAP),
      })),
    )
    .png()
    .toBuffer();
}
