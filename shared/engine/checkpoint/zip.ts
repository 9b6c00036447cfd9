import { FormatError } from '#shared/core/errors.ts';
import { Cursor } from '#shared/engine/bytes/cursor.ts';
import type { ByteSource } from './byte-source.ts';
import { quote } from './quote.ts';
import { type CentralEntry, readZipDirectory } from './zip-directory.ts';

const LOCAL_SIGNATURE = 0x0403_4b50;
const LOCAL_BYTES = 30;
const FLAG_SIZES_FOLLOW = 0x0008;
const FULL_32 = 0xffff_ffff;

/** A file inside a zip archive, stored as it is. */
export interface ZipMember {
  readonly name: string;
  /** The first byte of its content in the archive. */
  readonly offset: number;
  readonly sizeBytes: number;
}

/**
 * Lists the members of a zip or zip64 archive in which every member is stored, as torch writes them.
 * Contents are located by their local headers, whose padding the directory doesn't tell.
 *
 * @throws FormatError if it is truncated, compressed, encrypted, split, or members share a name or bytes
 */
export function readZip(source: ByteSource): ReadonlyMap<string, ZipMember> {
  const directory = readZipDirectory(source);
  const spans: { start: number; end: number; name: string }[] = [];
  const members = new Map<string, ZipMember>();
  for (const entry of directory.entries) {
    if (members.has(entry.name)) {
      throw new FormatError(source.path, `has two members named ${quote(entry.name)}`);
    }
    const offset = locateContent(source, entry, directory.offset);
    members.set(entry.name, { name: entry.name, offset, sizeBytes: entry.sizeBytes });
    spans.push({ start: entry.localOffset, end: offset + entry.sizeBytes, name: entry.name });
  }
  spans.sort((a, b) => a.start - b.start);
  for (const [index, span] of spans.entries()) {
    const next = spans[index + 1];
    if (next !== undefined && span.end > next.start) {
      throw new FormatError(source.path, `member ${quote(next.name)} overlaps ${quote(span.name)}`);
    }
  }
  return members;
}

/** Reads a member's own header, checks that it agrees with the directory, and finds the content. */
function locateContent(source: ByteSource, entry: CentralEntry, limit: number): number {
  const start = entry.localOffset;
  const headerBytes = LOCAL_BYTES + entry.nameBytes.length;
  const fault = (problem: string) =>
    new FormatError(source.path, `member ${quote(entry.name)} ${problem}`, { offset: start });
  if (start + headerBytes > limit) throw fault('begins beyond the members');
  const cursor = new Cursor(source.read(start, headerBytes), source.path, start);
  if (cursor.u32() !== LOCAL_SIGNATURE) throw fault('has no header where the directory says');
  cursor.skip(2);
  const flags = cursor.u16();
  const method = cursor.u16();
  cursor.skip(8);
  const packedBytes = cursor.u32();
  const sizeBytes = cursor.u32();
  const nameLength = cursor.u16();
  const extraLength = cursor.u16();
  if (method !== 0) throw fault('is compressed');
  const sizesFollow = (flags & FLAG_SIZES_FOLLOW) !== 0;
  for (const size of sizesFollow ? [] : [packedBytes, sizeBytes]) {
    if (size !== FULL_32 && size !== entry.sizeBytes) {
      throw fault(`has ${size} bytes by its header, ${entry.sizeBytes} by the directory`);
    }
  }
  const sameName =
    nameLength === entry.nameBytes.length &&
    cursor.bytes(nameLength).every((byte, index) => byte === entry.nameBytes[index]);
  if (!sameName) throw fault('has another name in its header');
  const offset = start + headerBytes + extraLength;
  if (offset + entry.sizeBytes > limit) throw fault('ends beyond the members: truncated');
  return offset;
}
