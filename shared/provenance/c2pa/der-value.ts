/**
 * The content of the first item in DER (X.690), which has to have this tag.
 *
 * @throws Error for anything else
 */
export function derValue(bytes: Buffer, tag: number): Buffer {
  const first = bytes[1] ?? 0;
  const extra = first < 0x80 ? 0 : first & 0x7f;
  if (bytes[0] !== tag || extra > 4) throw new Error('this is not DER');
  const length = extra === 0 ? first : bytes.readUIntBE(2, extra);
  const content = bytes.subarray(2 + extra, 2 + extra + length);
  if (content.length !== length) throw new Error('this is less than it announces');
  return content;
}
