import sharp from 'sharp';
import type { ImageFormat } from '#shared/core/inference.ts';

/** What may have become of a picture on its way, and the verdict that it then gets. */
export const PROCESSED: Readonly<
  Record<
    'signed' | 'signed-changed' | 'receipt' | 'watermark' | 'nothing',
    (file: Buffer, format: ImageFormat) => Buffer | Promise<Buffer>
  >
> = {
  signed: (file) => file,
  'signed-changed': withOtherByte,
  receipt: withoutManifest,
  watermark: (file, format) => sharp(file).toFormat(format, { quality: 75 }).toBuffer(),
  nothing: (_, format) => sharp({ create: NOISE }).toFormat(format).toBuffer(),
};

const NOISE = {
  width: 512,
  height: 512,
  channels: 3,
  background: '#48a',
  noise: { type: 'gaussian', mean: 128, sigma: 30 },
} as const;

/** One letter of the metadata changed, which no decoder minds. */
function withOtherByte(file: Buffer): Buffer {
  const changed = Buffer.from(file);
  const at = changed.indexOf('Iptc4xmpExt:DigitalSourceType>');
  if (at < 0) throw new Error('the file has no such metadata');
  changed[at] = 'J'.charCodeAt(0);
  return changed;
}

/** The file without its C2PA manifest, and otherwise as it was. */
function withoutManifest(file: Buffer, format: ImageFormat): Buffer {
  if (format === 'png') {
    const chunk = (at: number) => ({
      name: file.toString('latin1', at + 4, at + 8),
      size: file.readUInt32BE(at) + 12,
    });
    return Buffer.concat([file.subarray(0, 8), ...without(file, 8, chunk, 'caBX')]);
  }
  if (format === 'webp') {
    const chunk = (at: number) => {
      const length = file.readUInt32LE(at + 4);
      return { name: file.toString('latin1', at, at + 4), size: 8 + length + (length % 2) };
    };
    const kept = Buffer.concat(without(file, 12, chunk, 'C2PA'));
    const head = Buffer.from(file.subarray(0, 12));
    head.writeUInt32LE(kept.length + 4, 4);
    return Buffer.concat([head, kept]);
  }
  const segment = (at: number) => {
    const name = file.toString('hex', at, at + 2);
    // What begins with the first scan is kept whole.
    return { name, size: name === 'ffda' ? file.length - at : 2 + file.readUInt16BE(at + 2) };
  };
  return Buffer.concat([file.subarray(0, 2), ...without(file, 2, segment, 'ffeb')]);
}

/** The parts of a file from a place on, but for those of one name. */
function without(
  file: Buffer,
  from: number,
  partAt: (at: number) => { readonly name: string; readonly size: number },
  dropped: string,
): Buffer[] {
  const kept: Buffer[] = [];
  for (let at = from; at < file.length; ) {
    const { name, size } = partAt(at);
    if (name !== dropped) kept.push(file.subarray(at, at + size));
    at += size;
  }
  return kept;
}
