export interface ArchiveMember {
  readonly name: string;
  readonly content: Uint8Array;
  /** What the headers say in place of the truth. */
  readonly method?: number;
  readonly flags?: number;
  readonly localName?: string;
  readonly localSizeBytes?: number;
  readonly centralSizeBytes?: number;
  /** The directory's place of the member, in place of the true one. */
  readonly localOffset?: number;
}

export interface ArchiveOptions {
  /** Sizes, places and counts in 64 bits, as archives over 4 GiB have them. */
  readonly zip64?: boolean;
  /** Bytes of padding in each member's own extra field, as torch puts there. */
  readonly paddingBytes?: number;
  readonly comment?: string;
  readonly disk?: number;
}

const FULL = 0xffff_ffff;

/** An archive of stored members, byte by byte, with whatever faults a test asks for. */
export function encodeZip(
  members: readonly ArchiveMember[],
  options: ArchiveOptions = {},
): Uint8Array {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const member of members) {
    const local = localHeader(member, options);
    directory.push(centralHeader(member, member.localOffset ?? offset, options));
    parts.push(local, Buffer.from(member.content));
    offset += local.length + member.content.length;
  }
  const central = Buffer.concat(directory);
  const end = endRecords(members.length, central.length, offset, options);
  return new Uint8Array(Buffer.concat([...parts, central, end]));
}

function localHeader(member: ArchiveMember, options: ArchiveOptions): Buffer {
  const size = member.localSizeBytes ?? member.content.length;
  const name = Buffer.from(member.localName ?? member.name);
  const padding = extraField(0x4246, Buffer.alloc(options.paddingBytes ?? 0));
  const wide = options.zip64 ? extraField(1, u64(size, size)) : Buffer.alloc(0);
  const extra = Buffer.concat([wide, padding]);
  const header = Buffer.alloc(30);
  header.writeUInt32LE(0x0403_4b50, 0);
  header.writeUInt16LE(member.flags ?? 0, 6);
  header.writeUInt16LE(member.method ?? 0, 8);
  header.writeUInt32LE(options.zip64 ? FULL : size, 18);
  header.writeUInt32LE(options.zip64 ? FULL : size, 22);
  header.writeUInt16LE(name.length, 26);
  header.writeUInt16LE(extra.length, 28);
  return Buffer.concat([header, name, extra]);
}

function centralHeader(member: ArchiveMember, offset: number, options: ArchiveOptions): Buffer {
  const size = member.centralSizeBytes ?? member.content.length;
  const name = Buffer.from(member.name);
  const extra = options.zip64 ? extraField(1, u64(size, size, offset)) : Buffer.alloc(0);
  const header = Buffer.alloc(46);
  header.writeUInt32LE(0x0201_4b50, 0);
  header.writeUInt16LE(member.flags ?? 0, 8);
  header.writeUInt16LE(member.method ?? 0, 10);
  header.writeUInt32LE(options.zip64 ? FULL : size, 20);
  header.writeUInt32LE(options.zip64 ? FULL : size, 24);
  header.writeUInt16LE(name.length, 28);
  header.writeUInt16LE(extra.length, 30);
  header.writeUInt32LE(options.zip64 ? FULL : offset, 42);
  return Buffer.concat([header, name, extra]);
}

function endRecords(count: number, size: number, offset: number, options: ArchiveOptions): Buffer {
  const end = Buffer.alloc(22);
  const comment = Buffer.from(options.comment ?? '');
  end.writeUInt32LE(0x0605_4b50, 0);
  end.writeUInt16LE(options.disk ?? 0, 4);
  end.writeUInt16LE(options.zip64 ? 0xffff : count, 8);
  end.writeUInt16LE(options.zip64 ? 0xffff : count, 10);
  end.writeUInt32LE(options.zip64 ? FULL : size, 12);
  end.writeUInt32LE(options.zip64 ? FULL : offset, 16);
  end.writeUInt16LE(comment.length, 20);
  if (!options.zip64) return Buffer.concat([end, comment]);
  const end64 = Buffer.alloc(56);
  end64.writeUInt32LE(0x0606_4b50, 0);
  u64(44).copy(end64, 4);
  u64(count, count, size, offset).copy(end64, 24);
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(0x0706_4b50, 0);
  u64(offset + size).copy(locator, 8);
  locator.writeUInt32LE(1, 16);
  return Buffer.concat([end64, locator, end, comment]);
}

function extraField(kind: number, content: Buffer): Buffer {
  const header = Buffer.alloc(4);
  header.writeUInt16LE(kind, 0);
  header.writeUInt16LE(content.length, 2);
  return content.length === 0 ? Buffer.alloc(0) : Buffer.concat([header, content]);
}

function u64(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(8 * values.length);
  for (const [index, value] of values.entries()) bytes.writeBigUInt64LE(BigInt(value), 8 * index);
  return bytes;
}
