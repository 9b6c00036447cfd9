import { FormatError } from '#shared/core/errors.ts';
import { Cursor } from '#shared/engine/bytes/cursor.ts';
import { isRecord } from '#shared/engine/bytes/json.ts';
import type { ByteSource } from './byte-source.ts';
import { quote } from './quote.ts';
import { rowMajorStrides, stridedTensor } from './strided.ts';
import {
  type Checkpoint,
  DTYPE_BYTES,
  type Dtype,
  elementCount,
  type LazyTensor,
} from './tensor.ts';

const LENGTH_BYTES = 8;
/** The largest header that is read; the real ones of the largest models take a few megabytes. */
const MAX_HEADER_BYTES = 16 * 2 ** 20;
const MAX_TENSORS = 65_536;
/** Three of each tensor, and as many again for the metadata. */
const MAX_FIELDS = 6 * MAX_TENSORS;
/** The header, a tensor, its shape. */
const MAX_DEPTH = 3;
const MAX_DIMENSIONS = 16;
const METADATA_KEY = '__metadata__';

interface Entry {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/**
 * Reads the header of a safetensors file (u64 length, JSON, data without holes); the values stay in
 * the file. Owns `source` from here on.
 *
 * @throws FormatError for whatever the format doesn't allow
 * @see https://huggingface.co/docs/safetensors
 */
export function readSafetensors(source: ByteSource): Checkpoint {
  const { header, dataStart } = readHeader(source);
  const metadata = readMetadata(source.path, header[METADATA_KEY]);
  const entries = Object.entries(header)
    .filter(([name]) => name !== METADATA_KEY)
    .map(([name, value]) => readEntry(source.path, name, value));
  checkCoverage(source, entries, dataStart);
  const tensors = new Map<string, LazyTensor>();
  for (const { name, dtype, shape, begin } of entries) {
    const layout = { name, dtype, shape, strides: rowMajorStrides(shape) };
    tensors.set(name, stridedTensor(source, { ...layout, offset: dataStart + begin }));
  }
  return { tensors, metadata, close: () => source.close() };
}

function readHeader(source: ByteSource): { header: Record<string, unknown>; dataStart: number } {
  const { path, sizeBytes } = source;
  if (sizeBytes === 0) throw new FormatError(path, 'is empty');
  const lead = source.read(0, Math.min(LENGTH_BYTES, sizeBytes));
  const length = new Cursor(lead, path).u64();
  if (length > sizeBytes - LENGTH_BYTES) {
    throw new FormatError(path, `has a header of ${length} bytes in ${sizeBytes}: truncated`);
  }
  if (length > MAX_HEADER_BYTES) {
    throw new FormatError(path, `has a header of ${length} bytes; at most ${MAX_HEADER_BYTES}`);
  }
  const bytes = source.read(LENGTH_BYTES, length);
  const text = new Cursor(bytes, path, LENGTH_BYTES).utf8(length);
  if (!text.startsWith('{')) throw new FormatError(path, 'has a header that is not a JSON object');
  return { header: parseHeader(path, text), dataStart: LENGTH_BYTES + length };
}

function parseHeader(path: string, text: string): Record<string, unknown> {
  const [tensorNames, fieldNames] = countNames(path, text);
  if (tensorNames > MAX_TENSORS) {
    const problem = `describes ${tensorNames} tensors; at most ${MAX_TENSORS} are read`;
    throw new FormatError(path, problem);
  }
  if (fieldNames > MAX_FIELDS) {
    throw new FormatError(path, `has ${fieldNames} fields; at most ${MAX_FIELDS} are read`);
  }
  let header: Record<string, unknown>;
  try {
    header = JSON.parse(text);
  } catch (cause) {
    throw new FormatError(path, 'has a header that is not JSON', { offset: LENGTH_BYTES, cause });
  }
  // JSON.parse keeps the last of two equal names without a word; the text gives them away.
  const parsed = Object.values(header);
  const fields = parsed.reduce((sum: number, value) => sum + nameCount(value), 0);
  if (tensorNames !== parsed.length) throw new FormatError(path, 'names a tensor twice');
  if (fieldNames !== fields) throw new FormatError(path, 'gives a field of a tensor twice');
  return header;
}

function nameCount(value: unknown): number {
  return isRecord(value) ? Object.keys(value).length : 0;
}

/**
 * How many names there are in a JSON text at depth 1 (the tensors) and 2 (their fields). Refuses
 * deeper nesting and longer lists than headers have, on which a parser would spend memory.
 */
function countNames(path: string, text: string): [number, number] {
  const counts: [number, number] = [0, 0];
  let depth = 0;
  let commas = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '"') {
      at = endOfText(text, at);
    } else if (character === '{' || character === '[') {
      depth++;
      commas = 0;
    } else if (character === '}' || character === ']') depth--;
    else if (character === ':' && depth === 1) counts[0]++;
    else if (character === ':' && depth === 2) counts[1]++;
    else if (character === ',' && depth === MAX_DEPTH && ++commas >= MAX_DIMENSIONS) {
      throw new FormatError(path, `has a shape of over ${MAX_DIMENSIONS} sizes`);
    }
    if (depth > MAX_DEPTH)
      throw new FormatError(path, 'has a header with deeper values than tensors');
  }
  return counts;
}

/** The place of the quotation mark that ends the text begun at `start`. */
function endOfText(text: string, start: number): number {
  let at = start + 1;
  for (; at < text.length && text[at] !== '"'; at++) if (text[at] === '\\') at++;
  return at;
}

function readMetadata(path: string, value: unknown): ReadonlyMap<string, string> {
  const metadata = new Map<string, string>();
  if (value === undefined || value === null) return metadata;
  if (!isRecord(value)) throw new FormatError(path, 'has metadata that is no JSON object');
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string') {
      throw new FormatError(path, `has metadata ${quote(key)} that is no text`);
    }
    metadata.set(key, text);
  }
  return metadata;
}

function readEntry(path: string, name: string, value: unknown): Entry {
  const fault = (problem: string) => new FormatError(path, `tensor ${quote(name)} ${problem}`);
  if (!isRecord(value)) throw fault('is not described by a JSON object');
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== 'string' || !Object.hasOwn(DTYPE_BYTES, dtype)) {
    throw fault(`has the type ${quote(String(dtype))}, which is not supported`);
  }
  if (!isSizes(shape)) throw fault('has a shape that is no list of sizes');
  if (!isSizes(offsets) || offsets.length !== 2) throw fault('has offsets that are no two places');
  const [begin = 0, end = 0] = offsets;
  const expected = elementCount(shape) * DTYPE_BYTES[dtype as Dtype];
  if (!Number.isSafeInteger(expected)) throw fault(`has the impossible shape ${shape.join('×')}`);
  if (end - begin !== expected) {
    throw fault(`takes ${expected} bytes by type and shape, but ${end - begin} by its offsets`);
  }
  return { name, dtype: dtype as Dtype, shape, begin, end };
}

/** The tensors must cover the data from its first byte to the file's last: no hole, no overlap. */
function checkCoverage(source: ByteSource, entries: readonly Entry[], dataStart: number): void {
  let covered = 0;
  for (const entry of entries.toSorted((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (entry.begin !== covered) {
      const fault = entry.begin < covered ? 'overlaps another tensor' : 'comes after a hole';
      throw new FormatError(source.path, `tensor ${quote(entry.name)} ${fault}`, {
        offset: dataStart + entry.begin,
      });
    }
    covered = entry.end;
  }
  const available = source.sizeBytes - dataStart;
  if (covered > available) {
    throw new FormatError(
      source.path,
      `holds ${available} of ${covered} bytes of data: truncated or not fully downloaded`,
    );
  }
  if (covered < available) {
    throw new FormatError(source.path, `has ${available - covered} bytes after its last tensor`);
  }
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}
