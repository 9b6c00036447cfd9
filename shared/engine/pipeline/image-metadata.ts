import type { EmbeddedReceipt } from '#shared/core/embedded-receipt.ts';
import type { Recipe } from '#shared/core/recipe.ts';
import { DIGITAL_SOURCE_TYPE } from '#shared/provenance/c2pa/manifest.ts';

/** A longer packet is silently left out of a JPEG. */
export const MAX_PACKET_BYTES = 60_000;

/** The namespace of the receipt's properties: a name only, nothing is served there. */
const RECEIPT_NAMESPACE = 'https://onestep.dev/ns/receipt/1.0/';

const SAMPLERS = { lcm: 'LCM', tcd: 'TCD', euler: 'Euler' } as const;

/**
 * The parameters in the format that common tools use for a PNG's `parameters` text: the prompt, then
 * one line of `Name: value` pairs.
 */
export function generationParameters(receipt: EmbeddedReceipt, { scheduler }: Recipe): string {
  const pairs = [
    'Steps: 1',
    `Sampler: ${SAMPLERS[scheduler]}`,
    'CFG scale: 0',
    `Seed: ${receipt.seed}`,
    `Size: ${receipt.width}x${receipt.height}`,
    `Model hash: ${receipt.model.digest.slice(0, 10)}`,
    `Model: ${receipt.model.name}`,
    `Version: ${receipt.engine}`,
  ];
  return `${receipt.prompt}\n${pairs.join(', ')}`;
}

/**
 * An XMP packet that marks the image as made by a model (IPTC) and carries the receipt. If there is
 * room, the parameters are its description, which every viewer shows.
 *
 * @param parameters as {@link generationParameters} gives them
 * @param serialized the receipt's one line of JSON
 * @param signature its signature, base64
 */
export function xmpPacket(
  receipt: EmbeddedReceipt,
  parameters: string,
  serialized: string,
  signature: string,
): string {
  const properties = [
    `<xmp:CreatorTool>${escapeXml(receipt.engine)}</xmp:CreatorTool>`,
    `<Iptc4xmpExt:DigitalSourceType>${DIGITAL_SOURCE_TYPE}</Iptc4xmpExt:DigitalSourceType>`,
    `<onestep:receipt>${escapeXml(serialized)}</onestep:receipt>`,
    `<onestep:signature>${signature}</onestep:signature>`,
  ];
  const description = escapeXml(parameters.replace(NOT_IN_XML, '\ufffd'));
  const packet = wrapProperties([
    ...properties,
    `<dc:description><rdf:Alt><rdf:li xml:lang="x-default">${description}</rdf:li></rdf:Alt></dc:description>`,
  ]);
  return Buffer.byteLength(packet) <= MAX_PACKET_BYTES ? packet : wrapProperties(properties);
}

/** Characters that XML cannot represent. */
const NOT_IN_XML = /[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;

function wrapProperties(properties: readonly string[]): string {
  return `<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" xmlns:onestep="${RECEIPT_NAMESPACE}">
   ${properties.join('\n   ')}
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>`;
}

/** Text escaped for XML content. */
export function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
