import { createHash, randomUUID } from 'node:crypto';
import { type Cbor, cbor } from './cbor.ts';

/** IPTC's term for media made by a trained model (https://cv.iptc.org/newscodes/digitalsourcetype/). */
export const DIGITAL_SOURCE_TYPE =
  'http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia';

/** What the manifest says of how the image was made. */
export interface Claim {
  readonly version: string;
  readonly model: { readonly name: string; readonly digest: string };
}

/** What a manifest is bound to: a file's bytes, but for those of the manifest itself. */
export interface Binding {
  /** Where the manifest's own bytes begin in the file, and how many they are. */
  readonly start: number;
  readonly length: number;
  /** SHA-256 of all others. */
  readonly hash: Uint8Array;
}

/** A manifest that lacks its signature, which has to be of an even number of bytes. */
export interface UnsignedManifest {
  /** The bytes to sign. */
  readonly claim: Uint8Array;
  /** The whole store, as files carry it: of an even number of bytes, too. */
  withSignature(signature: Uint8Array): Uint8Array;
}

/** The names of one manifest and of the image that it is for: no two are equal. */
export interface ManifestNames {
  readonly manifest: string;
  readonly instance: string;
}

export const newManifestNames = (): ManifestNames => ({
  manifest: `urn:c2pa:${randomUUID()}`,
  instance: `xmp:iid:${randomUUID()}`,
});

/**
 * A manifest of one action, `c2pa.created`, and the file's hash (C2PA 2.2, "Technical specification",
 * sections 8 to 11 and 18). It is written here rather than by C2PA's library: that is 9 MB of WebAssembly,
 * which takes longer to load than an image takes to be made.
 */
export function createManifest(
  claim: Claim,
  binding: Binding,
  names: ManifestNames,
): UnsignedManifest {
  const manifest = layOut(claim, binding, names, 0);
  // RIFF fills up what is odd, and readers disagree on whether that byte is hashed.
  const isOdd = manifest.withSignature(new Uint8Array()).length % 2 === 1;
  return isOdd ? layOut(claim, binding, names, 1) : manifest;
}

function layOut(
  { version, model }: Claim,
  { start, length, hash }: Binding,
  { manifest, instance }: ManifestNames,
  padding: number,
): UnsignedManifest {
  const agent = { name: 'Onestep', version };
  const assertions: Record<string, Cbor> = {
    'c2pa.actions.v2': {
      actions: [
        {
          action: 'c2pa.created',
          digitalSourceType: DIGITAL_SOURCE_TYPE,
          softwareAgent: agent,
          parameters: { 'dev.onestep.model': model.name, 'dev.onestep.digest': model.digest },
        },
      ],
    },
    'c2pa.hash.data': {
      exclusions: [{ start, length }],
      name: 'jumbf manifest',
      alg: 'sha256',
      hash,
      pad: new Uint8Array(padding),
    },
  };
  const boxes = Object.entries(assertions).map(([label, content]) => ({
    label,
    box: superBox('cbor', label, [box('cbor', cbor(content))]),
  }));
  const claim = cbor({
    instanceID: instance,
    claim_generator_info: agent,
    signature: `self#jumbf=/c2pa/${manifest}/c2pa.signature`,
    created_assertions: boxes.map((one) => ({
      url: `self#jumbf=c2pa.assertions/${one.label}`,
      // Of what is in the box, without its head.
      hash: createHash('sha256').update(one.box.subarray(HEAD_BYTES)).digest(),
    })),
    alg: 'sha256',
  });
  return {
    claim,
    withSignature: (signature) =>
      superBox('c2pa', 'c2pa', [
        superBox('c2ma', manifest, [
          superBox(
            'c2as',
            'c2pa.assertions',
            boxes.map((one) => one.box),
          ),
          superBox('c2cl', 'c2pa.claim.v2', [box('cbor', claim)]),
          superBox('c2cs', 'c2pa.signature', [box('cbor', signature)]),
        ]),
      ]),
  };
}

/** A box's length and type. */
const HEAD_BYTES = 8;
/** What follows the four letters of a kind in its UUID (ISO 19566-5, annex B). */
const KIND_SUFFIX = Buffer.from('00110010800000aa00389b71', 'hex');
/** The box may be asked for, and has a label. */
const LABELLED = 3;

/** A JUMBF box (ISO 19566-5): its length, its type and its content. */
function box(type: string, content: Uint8Array): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32BE(HEAD_BYTES + content.length);
  head.write(type, 4, 'latin1');
  return Buffer.concat([head, content]);
}

/** A box of boxes, the first of which tells its kind and its label. */
function superBox(kind: string, label: string, content: readonly Uint8Array[]): Buffer {
  const description = [
    Buffer.from(kind),
    KIND_SUFFIX,
    Buffer.of(LABELLED),
    Buffer.from(`${label}\0`),
  ];
  return box('jumb', Buffer.concat([box('jumd', Buffer.concat(description)), ...content]));
}
