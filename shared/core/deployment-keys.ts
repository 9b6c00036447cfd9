import { z } from 'zod';
import { deploymentMark, markingKeysOf } from './marking-keys.ts';

/** What `/.well-known/onestep.json` says: all that a third party needs to check a receipt by itself. */
export const DeploymentKeysSchema = z.object({
  receipts: z.object({
    algorithm: z.literal('Ed25519'),
    /** base64url, 32 bytes */
    public_key: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
  }),
  /** The 2 bytes of this deployment in its watermarks, hex. */
  watermark: z.object({ deployment: z.string().regex(/^[0-9a-f]{4}$/) }),
});
export type DeploymentKeys = z.infer<typeof DeploymentKeysSchema>;

/** @param secret the deployment's secret of receipts */
export function deploymentKeys(secret: Uint8Array): DeploymentKeys {
  const { publicKey } = markingKeysOf(secret);
  return {
    receipts: { algorithm: 'Ed25519', public_key: publicKey },
    watermark: { deployment: Buffer.from(deploymentMark(publicKey)).toString('hex') },
  };
}
