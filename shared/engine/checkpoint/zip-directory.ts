import { FormatError } from '#shared/core/errors.ts';
import { Cursor } from '#shared/engine/bytes/cursor.ts';
import type { ByteSource } from './byte-source.ts';
import { quote } from './quote.ts';

const END_SIGNATURE = 0x0605_4b50;
const END_BYTES = 22;
const MAX_COMMENT_BYTES = 0xffff;
const LOCATOR_SIGNATURE = 0x0706_4b50;
const LOCATOR_BYTES = 20;
const END64_SIGNATURE = 0x0606_4b50;
const END64_BYTES = 56;
const CENTRAL_SIGNATURE = 0x0201_4b50;
const CENTRAL_BYTES = 46;
const ZIP64_EXTRA = 0x0001;
const FLAG_ENCRYPTED = 0x0001;
const FULL_16 = 0xffff;
const FULL_32 = 0xffff_ffff;

const MAX_MEMBERS = 65_536;
const MAX_DIRECTORY_BYTES = 32 * 2 ** 20;

interface Directory {
  /** Where the directory begins; members end before it. */
  readonly offset: number;
  readonly sizeBytes: number;
  readonly count: number;
}

/** What the archive's directory says about a member. */
export interface CentralEntry {
  readonly name: string;
  readonly nameBytes: Uint8Array;
  readonly sizeBytes: number;
  /** Where the member's own header begins. */
  readonly localOffset: number;
}

/**
 * Reads the directory at the end of a zip or zip64 archive.
 *
 * @throws FormatError if it is missing, broken, or lists anything but stored members
 */
export function readZipDirectory(source: ByteSource): {
  readonly entries: readonly CentralEntry[];
  readonly offset: number;
} {
  const directory = findDirectory(source);
  return { entries: readEntries(source, directory), offset: directory.offset };
}

function findDirectory(source: ByteSource): Directory {
  const { path, sizeBytes } = source;
  const tailBytes = Math.min(sizeBytes, END_BYTES + MAX_COMMENT_BYTES);
  const tailStart = sizeBytes - tailBytes;
  const tail = source.read(tailStart, tailBytes);
  const view = new DataView(tail.buffer, tail.byteOffset, tail.byteLength);
  for (let at = tailBytes - END_BYTES; at >= 0; at--) {
    if (view.getUint32(at, true) !== END_SIGNATURE) continue;
    if (at + END_BYTES + view.getUint16(at + 20, true) !== tailBytes) continue;
    return readEnd(source, new Cursor(tail.subarray(at), path, tailStart + at), tailStart + at);
  }
  throw new FormatError(path, 'has no end of a zip archive: truncated or not fully downloaded');
}

function readEnd(source: ByteSource, cursor: Cursor, endOffset: number): Directory {
  cursor.skip(4);
  const disks = [cursor.u16(), cursor.u16()];
  const counts = [cursor.u16(), cursor.u16()];
  const directory = { count: counts[1] ?? 0, sizeBytes: cursor.u32(), offset: cursor.u32() };
  const needs64 =
    directory.count === FULL_16 || directory.sizeBytes === FULL_32 || directory.offset === FULL_32;
  const wide = readEnd64(source, endOffset);
  if (wide !== undefined) return checkDirectory(source, wide.directory, wide.offset);
  if (needs64) throw cursor.fault('lacks the zip64 directory that it refers to');
  if (disks.some((disk) => disk !== 0) || counts[0] !== counts[1]) {
    throw cursor.fault('is one part of a split zip archive');
  }
  return checkDirectory(source, directory, endOffset);
}

/** The zip64 end record, if a locator stands right before the ordinary one. */
function readEnd64(
  source: ByteSource,
  endOffset: number,
): { directory: Directory; offset: number } | undefined {
  if (endOffset < LOCATOR_BYTES) return undefined;
  const locatorOffset = endOffset - LOCATOR_BYTES;
  const locator = new Cursor(source.read(locatorOffset, LOCATOR_BYTES), source.path, locatorOffset);
  if (locator.u32() !== LOCATOR_SIGNATURE) return undefined;
  locator.skip(4);
  const offset = locator.u64();
  if (offset > locatorOffset - END64_BYTES) throw locator.fault('has a misplaced zip64 directory');
  const cursor = new Cursor(source.read(offset, END64_BYTES), source.path, offset);
  if (cursor.u32() !== END64_SIGNATURE) throw cursor.fault('has no zip64 directory where it says');
  cursor.skip(20);
  const count = cursor.u64();
  if (cursor.u64() !== count) throw cursor.fault('is one part of a split zip archive');
  return { directory: { count, sizeBytes: cursor.u64(), offset: cursor.u64() }, offset };
}

function checkDirectory(source: ByteSource, directory: Directory, endOffset: number): Directory {
  const { count, sizeBytes, offset } = directory;
  if (offset + sizeBytes > endOffset) {
    throw new FormatError(source.path, `has a zip directory that ends beyond byte ${endOffset}`);
  }
  if (count > MAX_MEMBERS || sizeBytes > MAX_DIRECTORY_BYTES) {
    throw new FormatError(source.path, `has ${count} members; at most ${MAX_MEMBERS} are read`);
  }
  if (count === 0) throw new FormatError(source.path, 'is a zip archive without members');
  return directory;
}

function readEntries(source: ByteSource, directory: Directory): CentralEntry[] {
  const bytes = source.read(directory.offset, directory.sizeBytes);
  const cursor = new Cursor(bytes, source.path, directory.offset);
  const entries: CentralEntry[] = [];
  for (let index = 0; index < directory.count; index++) entries.push(readCentralEntry(cursor));
  return entries;
}

function readCentralEntry(cursor: Cursor): CentralEntry {
  const start = cursor.position;
  if (cursor.u32() !== CENTRAL_SIGNATURE) throw cursor.fault('has a broken zip directory');
  cursor.skip(4);
  const flags = cursor.u16();
  const method = cursor.u16();
  cursor.skip(8);
  const packedBytes = cursor.u32();
  const sizeBytes = cursor.u32();
  const nameLength = cursor.u16();
  const extraLength = cursor.u16();
  const commentLength = cursor.u16();
  const disk = cursor.u16();
  cursor.seek(start + CENTRAL_BYTES - 4);
  const localOffset = cursor.u32();
  const nameBytes = cursor.bytes(nameLength);
  cursor.seek(cursor.position - nameLength);
  const name = cursor.utf8(nameLength);
  const wide = readWideFields(cursor, extraLength);
  const real = {
    sizeBytes: wide(sizeBytes),
    packedBytes: wide(packedBytes),
    localOffset: wide(localOffset),
  };
  cursor.skip(commentLength);
  if ((flags & FLAG_ENCRYPTED) !== 0) throw cursor.fault(`has the encrypted member ${quote(name)}`);
  if (method !== 0 || real.packedBytes !== real.sizeBytes) {
    throw cursor.fault(
      `has the compressed member ${quote(name)}: save it with torch.save(module.state_dict(), …), which stores members as they are`,
    );
  }
  if (disk !== 0 && disk !== FULL_16) throw cursor.fault('is one part of a split zip archive');
  return { name, nameBytes, sizeBytes: real.sizeBytes, localOffset: real.localOffset };
}

/**
 * Reads the extra field behind a directory entry. The answer turns each 32-bit field of the entry,
 * in their order, into its real value: a full one stands for the next 64-bit number of the extra.
 */
function readWideFields(cursor: Cursor, extraLength: number): (field: number) => number {
  const end = cursor.position + extraLength;
  const wide: number[] = [];
  while (end - cursor.position >= 4) {
    const kind = cursor.u16();
    const length = cursor.u16();
    if (length > end - cursor.position) throw cursor.fault('has a broken extra field');
    const next = cursor.position + length;
    if (kind === ZIP64_EXTRA) while (next - cursor.position >= 8) wide.push(cursor.u64());
    cursor.seek(next);
  }
  cursor.skip(end - cursor.position);
  return (field) => {
    if (field !== FULL_32) return field;
    const value = wide.shift();
    if (value === undefined) throw cursor.fault('lacks a zip64 size');
    return value;
  };
}
