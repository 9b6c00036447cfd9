import { type Cbor, cbor, taggedCbor } from './cbor.ts';

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

/** The bytes to set aside for a signature, which is never longer nor shorter: an even number. */
export function reservedBytes(signer: ClaimSigner): number {
  const certificates = signer.chain.reduce((sum, { length }) => sum + length + 5, 0);
  const all = certificates + FRAME_BYTES + (signer.timeStamp === undefined ? 0 : TIME_STAMP_BYTES);
  return all + (all % 2);
}

/** @returns a COSE_Sign1 of exactly `reservedBytes` */
export async function coseSign1(payload: Uint8Array, signer: ClaimSigner): Promise<Uint8Array> {
  const protectedHeader = cbor(
    new Map<number, Cbor>([
      [ALGORITHM, ES256],
      [X5CHAIN, signer.chain],
    ]),
  );
  /** RFC 9052, section 4.4, without external data. */
  const structure = (context: string, content: Uint8Array): Uint8Array =>
    cbor([context, protectedHeader, new Uint8Array(), content]);
  const signature = await signer.sign(structure('Signature1', payload));
  if (signature.length !== SIGNATURE_BYTES) {
    throw new Error(`The signer gave ${signature.length} bytes instead of ${SIGNATURE_BYTES}`);
  }
  const stamp = await signer.timeStamp?.(structure('CounterSignature', cbor(signature)));
  // C2PA's `sigTst2`: the stamp countersigns the signature.
  const stamped: Record<string, Cbor> =
    stamp === undefined ? {} : { sigTst2: { tstTokens: [{ val: stamp }] } };
  const build = (padding: number): Uint8Array => {
    const unprotectedHeader = { ...stamped, pad: new Uint8Array(padding) };
    return taggedCbor(SIGN1_TAG, [protectedHeader, unprotectedHeader, null, signature]);
  };
  const reserved = reservedBytes(signer);
  // A longer field may need a longer length.
  for (let padding = reserved - build(0).length; padding >= 0; padding -= 1) {
    const built = build(padding);
    if (built.length === reserved) return built;
  }
  throw new Error('The signature does not fit into the bytes that were set aside for it');
}
