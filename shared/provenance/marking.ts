import { type MarkingKeys, markingKeysOf } from '#shared/core/marking-keys.ts';
import type { ClaimSigner } from './c2pa/cose-sign1.ts';
import { type C2paIdentity, createClaimSigner } from './c2pa/claim-signer.ts';

/** What every picture gets on its way out. */
export interface Marking {
  readonly keys: MarkingKeys;
  readonly signer: ClaimSigner;
  readonly watermark: boolean;
}

export interface MarkingOptions {
  /** Whether pixels are marked. @default true */
  readonly watermark?: boolean | undefined;
  /** A key and its certificates. @default self-made ones, which are functions of the secret */
  readonly identity?: C2paIdentity | undefined;
  /** A time stamp authority (RFC 3161); no time stamps without one. */
  readonly timeStampUrl?: string | undefined;
}

/** @param secret the deployment's secret of receipts */
export async function createMarking(
  secret: Uint8Array,
  { watermark = true, identity, timeStampUrl }: MarkingOptions = {},
): Promise<Marking> {
  const signer = createClaimSigner(identity ?? (await selfMadeIdentity(secret)), timeStampUrl);
  return { keys: markingKeysOf(secret), signer, watermark };
}

async function selfMadeIdentity(secret: Uint8Array): Promise<C2paIdentity> {
  const { createSelfMadeIdentity } = await import('./c2pa/self-made-identity.ts');
  return await createSelfMadeIdentity(secret, new Date());
}
