import { readFileSync } from 'node:fs';

const HEADER = 32;
const FRAME_HEADER = 24;
const MAGIC = 0x377f0682;

/**
 * Counts the transactions of a write-ahead log that SQLite will pass over without a word: it reads up to
 * the first frame whose checksum is wrong. A frame that was being written when the process died is the last
 * of its log and none of these.
 *
 * @param path of the `-wal` file; none, or an empty one, has lost nothing
 * @returns how many commits lie behind the damage; `all` when the log's own header is damaged
 * @see https://www.sqlite.org/fileformat2.html#walformat
 */
export function lostCommits(path: string): number | 'all' {
  const wal = read(path);
  if (wal.length <= HEADER) return 0;
  const magic = wal.readUInt32BE(0);
  const sum = checksum((magic & 1) === 1);
  const isHeaderWhole = (magic & ~1) >>> 0 === MAGIC && isSum(wal, 24, sum(wal.subarray(0, 24)));
  if (!isHeaderWhole) return 'all';
  const size = FRAME_HEADER + wal.readUInt32BE(8);
  let running = sum(wal.subarray(0, 24));
  let damaged = false;
  let lost = 0;
  for (let at = HEADER; at + size <= wal.length; at += size) {
    // Frames of another salt are left over from before the log began anew, and then so are all behind
    // them. One that still has a frame of this log behind it is damaged in its own header.
    const isOfThisLog = wal.subarray(at + 8, at + 16).equals(wal.subarray(16, 24));
    const isCommit = isOfThisLog && wal.readUInt32BE(at + 4) !== 0;
    if (damaged || !isOfThisLog) {
      if (isCommit) lost++;
      damaged = true;
      continue;
    }
    running = sum(wal.subarray(at, at + 8), running);
    running = sum(wal.subarray(at + FRAME_HEADER, at + size), running);
    damaged = !isSum(wal, at + 16, running);
  }
  return lost;
}

type Sum = readonly [number, number];

/** SQLite's checksum over pairs of 32-bit words. */
function checksum(isBigEndian: boolean) {
  return (bytes: Buffer, [first, second]: Sum = [0, 0]): Sum => {
    let [s0, s1] = [first, second];
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let at = 0; at + 8 <= bytes.length; at += 8) {
      s0 = (s0 + view.getUint32(at, !isBigEndian) + s1) >>> 0;
      s1 = (s1 + view.getUint32(at + 4, !isBigEndian) + s0) >>> 0;
    }
    return [s0, s1];
  };
}

function isSum(wal: Buffer, at: number, [first, second]: Sum): boolean {
  return wal.readUInt32BE(at) === first && wal.readUInt32BE(at + 4) === second;
}

function read(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
}
