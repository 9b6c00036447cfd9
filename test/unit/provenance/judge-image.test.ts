import { createPublicKey, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  type EmbeddedReceipt,
  serializeReceipt,
  watermarkPayload,
} from '#shared/core/embedded-receipt.ts';
import { deploymentMark, markingKeysOf } from '#shared/core/marking-keys.ts';
import { judgeImage } from '#shared/provenance/verify/judge-image.ts';

const keys = markingKeysOf(new Uint8Array(32).fill(7));
const receipt: EmbeddedReceipt = {
  engine: 'onestep 1',
  model: { name: 'demo', digest: 'ab' },
  prompt: 'a house',
  seed: 1,
  width: 512,
  height: 512,
  format: 'png',
  quality: 100,
  pixels_sha256: 'c'.repeat(64),
};
const evidence = {
  manifest: null,
  receipt,
  signature: keys.signReceipt(serializeReceipt(receipt)),
  pixelsSha256: receipt.pixels_sha256,
  watermark: null,
};

describe('judgeImage', () => {
  it('knows a receipt by the public key, and not for other pixels', () => {
    const { publicKey } = keys;
    expect(judgeImage(evidence, { publicKey })).toMatchObject({ verdict: 'receipt', seed: 1 });
    expect(judgeImage({ ...evidence, pixelsSha256: 'd'.repeat(64) }, { publicKey })).toMatchObject({
      verdict: 'nothing',
      made_here: false,
      reason: 'other-pixels',
    });
  });

  it('is not taken in by a receipt and its watermark on another picture', () => {
    const secret = new Uint8Array(32).fill(7);
    const watermark = Buffer.from(watermarkPayload(receipt, keys)).toString('hex');
    const lifted = { ...evidence, pixelsSha256: 'd'.repeat(64), watermark };
    for (const deployment of [{ secret }, { publicKey: keys.publicKey }]) {
      expect(judgeImage(lifted, deployment)).toMatchObject({
        verdict: 'watermark',
        made_here: false,
        reason: 'other-pixels',
        seed: null,
        watermark: { ours: true, fits_receipt: 'secret' in deployment ? true : null },
      });
    }
  });

  it('takes nothing for its own where there are no keys', () => {
    // A key of zeros is a point of order 4, for which anyone makes signatures: it is not "no key".
    const zeros = Buffer.alloc(32).toString('base64url');
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: zeros }, format: 'jwk' });
    const signature = Buffer.alloc(64);
    const forged = Array.from({ length: 64 }, (_, seed) => ({ ...receipt, seed })).find((one) =>
      verify(null, Buffer.from(serializeReceipt(one)), key, signature),
    );
    expect(forged).toBeDefined();
    const watermark = `${Buffer.from(deploymentMark(zeros)).toString('hex')}00000000`;
    const made = { ...evidence, receipt: forged, signature: signature.toString('base64') };
    expect(judgeImage({ ...made, watermark }, undefined)).toMatchObject({
      verdict: 'watermark',
      made_here: false,
      reason: 'unknown-signature',
      seed: null,
      watermark: { ours: false, fits_receipt: null },
    });
  });
});
