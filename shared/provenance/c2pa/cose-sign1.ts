/** COSE_Sign1 (RFC 9052) with ES256 and a certificate chain, as C2PA has it. */

/** Signs with the chain's first certificate. */
export interface ClaimSigner {
  /** Certificates in DER, the signer's own first. */
  readonly chain: readonly Uint8Array[];
  /** ECDSA P-256 with SHA-256 over the bytes: r and s, 32 bytes each. */
  sign(bytes: Uint8Array): Promise<Uint8Array>;
  /** A time stamp over these bytes (RFC 3161, a TimeStampToken in DER), where an authority is configured. */
  readonly timeStamp?: ((bytes: Uint8Array) => Promise<Uint8Array>) | undefined;
}

const ES256 = -7;
const ALGORITHM = 1;
const X5CHAIN = 33;
const SIGN1_TAG = 18;
const SIGNATURE_BYTES = 64;
/** Headers, lengths and the field that fills the rest. */
const FRAME_BYTES = 256;
/** What a time stamp may come to, the authority's certificates included. */
const TIME_STAMP_BYTES = 12_000;

/** The bytes to set aside for a signature, which is never longer nor shorter. */
export function reservedBytes(signer: ClaimSigner): number {
  const certificates = signer.chain.reduce((sum, { length }) => sum + length + 5, 0);
  return certificates + FRAME_BYTES + (signer.timeStamp === undefined ? 0 : TIME_STAMP_BYTES);
}

/** @returns a COSE_Sign1 of exactly `reservedBytes` */
export async function coseSign1(payload: Uint8Array, signer: ClaimSigner): Promise<Uint8Array> {
  const protectedHeader = cborMap([
    [cborInteger(ALGORITHM), cborInteger(ES256)],
    [cborInteger(X5CHAIN), cborArray(signer.chain.map(cborBytes))],
  ]);
  /** RFC 9052, section 4.4, without external data. */
  const structure = (context: string, content: Uint8Array): Uint8Array =>
    cborArray([
      cborText(context),
      cborBytes(protectedHeader),
      cborBytes(new Uint8Array()),
      cborBytes(content),
    ]);
  const signature = await signer.sign(structure('Signature1', payload));
  if (signature.length !== SIGNATURE_BYTES) {
    throw new Error(`The signer gave ${signature.length} bytes instead of ${SIGNATURE_BYTES}`);
  }
  const stamp = await signer.timeStamp?.(structure('CounterSignature', cborBytes(signature)));
  const build = (padding: number): Uint8Array =>
    Buffer.concat([
      cborHead(6, SIGN1_TAG),
      cborArray([
        cborBytes(protectedHeader),
        cborMap([
          ...(stamp === undefined ? [] : [timeStampHeader(stamp)]),
          [cborText('pad'), cborBytes(new Uint8Array(padding))],
        ]),
        CBOR_NULL,
        cborBytes(signature),
      ]),
    ]);
  const reserved = reservedBytes(signer);
  // A longer field may need a longer length.
  for (let padding = reserved - build(0).length; padding >= 0; padding -= 1) {
    const built = build(padding);
    if (built.length === reserved) return new Uint8Array(built);
  }
  throw new Error('The signature does not fit into the bytes that were set aside for it');
}

/** C2PA's `sigTst2`: the stamp countersigns the signature. */
function timeStampHeader(stamp: Uint8Array): [Uint8Array, Uint8Array] {
  const token = cborMap([[cborText('val'), cborBytes(stamp)]]);
  return [cborText('sigTst2'), cborMap([[cborText('tstTokens'), cborArray([token])]])];
}

const CBOR_NULL = Uint8Array.of(0xf6);

/** The first bytes of an item (RFC 8949): its major type and its length or value. */
function cborHead(major: number, value: number): Uint8Array {
  const type = major << 5;
  if (value < 24) return Uint8Array.of(type | value);
  if (value < 0x100) return Uint8Array.of(type | 24, value);
  if (value < 0x1_0000) return Uint8Array.of(type | 25, value >> 8, value & 0xff);
  const head = new Uint8Array(5);
  head[0] = type | 26;
  new DataView(head.buffer).setUint32(1, value);
  return head;
}

function cborInteger(value: number): Uint8Array {
  return value < 0 ? cborHead(1, -1 - value) : cborHead(0, value);
}

function cborBytes(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([cborHead(2, bytes.length), bytes]);
}

function cborText(text: string): Uint8Array {
  const bytes = Buffer.from(text);
  return Buffer.concat([cborHead(3, bytes.length), bytes]);
}

function cborArray(items: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat([cborHead(4, items.length), ...items]);
}

function cborMap(entries: readonly (readonly [Uint8Array, Uint8Array])[]): Uint8Array {
  return Buffer.concat([cborHead(5, entries.length), ...entries.flat()]);
}
