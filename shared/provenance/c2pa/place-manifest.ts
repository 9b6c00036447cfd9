import type { ImageFormat } from '#shared/core/inference.ts';
import { PNG_HEADER_BYTES, pngChunk } from '#shared/provenance/png-chunk.ts';

/** A file with a manifest in it. */
export interface PlacedManifest {
  readonly file: Buffer;
  /** Where the manifest's bytes begin and how many they are, with what the format wraps them in. */
  readonly start: number;
  readonly length: number;
}

/** The file with a manifest store inside, where its format has a place for one. */
export function placeManifest(
  image: Uint8Array,
  format: ImageFormat,
  store: Uint8Array,
): PlacedManifest {
  const { start, bytes } = PLACES[format](image, store);
  const file = Buffer.concat([image.subarray(0, start), bytes, image.subarray(start)]);
  // RIFF: a file says how long it is.
  if (format === 'webp') file.writeUInt32LE(file.length - RIFF_HEAD_BYTES, 4);
  return { file, start, length: bytes.length };
}

type Place = (
  image: Uint8Array,
  store: Uint8Array,
) => { readonly start: number; readonly bytes: Uint8Array };

const RIFF_HEAD_BYTES = 8;

const PLACES: Readonly<Record<ImageFormat, Place>> = {
  png: (_, store) => ({ start: PNG_HEADER_BYTES, bytes: pngChunk('caBX', store) }),
  // Behind the two bytes that every JPEG begins with.
  jpeg: (_, store) => ({ start: 2, bytes: jpegSegments(store) }),
  webp: (image, store) => ({ start: image.length, bytes: riffChunk('C2PA', store) }),
};

/** A segment takes less than 64 KiB: its length, four fields and a box's head count, too. */
const SEGMENT_BYTES = 65_000;
const BOX_HEAD_BYTES = 8;

/** JPEG's segments APP11 for JUMBF (ISO 19566-5, annex D): each begins with the head of the whole box. */
function jpegSegments(store: Uint8Array): Buffer {
  const segments: Uint8Array[] = [];
  for (let at = 0; at < store.length; at += SEGMENT_BYTES) {
    const repeated = at === 0 ? 0 : BOX_HEAD_BYTES;
    const part = store.subarray(at, at + SEGMENT_BYTES);
    const head = Buffer.alloc(12);
    head.writeUInt16BE(0xffeb, 0);
    head.writeUInt16BE(head.length - 2 + repeated + part.length, 2);
    head.write('JP', 4, 'latin1');
    // The number of the box, and of the segment in it.
    head.writeUInt16BE(1, 6);
    head.writeUInt32BE(segments.length / 3 + 1, 8);
    segments.push(head, store.subarray(0, repeated), part);
  }
  return Buffer.concat(segments);
}

/** @param content of an even number of bytes */
function riffChunk(type: string, content: Uint8Array): Buffer {
  const head = Buffer.alloc(8);
  head.write(type, 0, 'latin1');
  head.writeUInt32LE(content.length, 4);
  return Buffer.concat([head, content]);
}
