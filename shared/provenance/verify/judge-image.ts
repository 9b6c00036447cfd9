import {
  type EmbeddedReceipt,
  serializeReceipt,
  verifyPublicly,
  verifyReceipt,
  watermarkPayload,
} from '#shared/core/embedded-receipt.ts';
import { deploymentMark, markingKeysOf } from '#shared/core/marking-keys.ts';
import type { ManifestFacts } from '#shared/provenance/c2pa/read-c2pa-manifest.ts';
import type { Verdict } from './verdicts.ts';

/** Why a receipt does not show that the image was made here. */
export type Reason = 'unsigned' | 'unknown-signature' | 'other-pixels' | 'unreadable';

/** What a deployment is known by: its secret where that is at hand, its public key otherwise. */
export type Deployment = { readonly secret: Uint8Array } | { readonly publicKey: string };

export interface Evidence {
  readonly manifest: ManifestFacts | null;
  readonly receipt: EmbeddedReceipt | undefined;
  readonly signature: string | undefined;
  readonly pixelsSha256: string;
  /** Hex. */
  readonly watermark: string | null;
}

export interface Judgement {
  readonly verdict: Verdict;
  /** The receipt is signed by the deployment and names the digest of these pixels. */
  readonly made_here: boolean;
  readonly reason: Reason | null;
  readonly model: EmbeddedReceipt['model'] | null;
  readonly seed: number | null;
  readonly manifest: ManifestFacts | null;
  readonly watermark: {
    /** The mark names this deployment. */
    readonly ours: boolean;
    /** It was made for the receipt; null where that can't be told: no receipt, or no secret. */
    readonly fits_receipt: boolean | null;
  } | null;
}

/**
 * Tells apart: signed and whole, signed and changed, ours by receipt, a watermark only, nothing.
 *
 * @param deployment whose keys to judge by; without any, no receipt and no watermark is ours
 */
export function judgeImage(evidence: Evidence, deployment: Deployment | undefined): Judgement {
  const { manifest, receipt } = evidence;
  const watermark = judgeWatermark(evidence, deployment);
  const reason = doubt(evidence, deployment);
  const made_here = reason === null;
  const facts = made_here && receipt !== undefined ? receipt : undefined;
  return {
    verdict: verdictOf(manifest, made_here, watermark !== null),
    made_here,
    reason,
    model: facts?.model ?? null,
    seed: facts?.seed ?? null,
    manifest,
    watermark,
  };
}

function verdictOf(manifest: ManifestFacts | null, ours: boolean, marked: boolean): Verdict {
  if (manifest !== null) return manifest.whole ? 'signed' : 'signed-changed';
  if (ours) return 'receipt';
  return marked ? 'watermark' : 'nothing';
}

function judgeWatermark(
  { watermark, receipt }: Evidence,
  deployment: Deployment | undefined,
): Judgement['watermark'] {
  if (watermark === null) return null;
  const own = deployment && Buffer.from(deploymentMark(publicKeyOf(deployment))).toString('hex');
  const keys =
    deployment !== undefined && 'secret' in deployment
      ? markingKeysOf(deployment.secret)
      : undefined;
  const fits_receipt =
    keys === undefined || receipt === undefined
      ? null
      : Buffer.from(watermarkPayload(receipt, keys)).toString('hex') === watermark;
  return { ours: own !== undefined && watermark.startsWith(own), fits_receipt };
}

function publicKeyOf(deployment: Deployment): string {
  return 'secret' in deployment ? markingKeysOf(deployment.secret).publicKey : deployment.publicKey;
}

/** Why the receipt does not count; null when it does. */
function doubt(
  { receipt, signature, pixelsSha256 }: Evidence,
  deployment: Deployment | undefined,
): Reason | null {
  if (receipt === undefined) return 'unreadable';
  const { pixels_sha256, delivered_sha256 } = receipt;
  // A watermark binds nothing: anyone can read it and put it into another picture, together with the receipt.
  if (pixelsSha256 !== pixels_sha256 && pixelsSha256 !== delivered_sha256) return 'other-pixels';
  if (signature === undefined) return 'unsigned';
  if (deployment === undefined) return 'unknown-signature';
  const serialized = serializeReceipt(receipt);
  const known =
    'secret' in deployment
      ? verifyReceipt(serialized, signature, deployment.secret)
      : verifyPublicly(serialized, signature, deployment.publicKey);
  return known ? null : 'unknown-signature';
}
