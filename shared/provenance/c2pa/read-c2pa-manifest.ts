import { CLAIM_PURPOSES } from './claim-purposes.ts';
import { loadC2pa } from './load-c2pa.ts';

/** What a file's C2PA manifest says, and whether it still fits the file. */
export interface ManifestFacts {
  /**
   * Every signature and hash fits: no byte has changed since the file was signed, be the certificate what
   * it may.
   */
  readonly whole: boolean;
  /** The signer's certificate comes from an authority that this reader was told to trust. */
  readonly trusted: boolean;
  /** Whom the certificate names. */
  readonly signer: string | null;
  /** What a reader of C2PA calls what is wrong, such as `assertion.dataHash.mismatch`. */
  readonly problems: readonly string[];
  /** Whether the manifest says that a trained model made the image. */
  readonly machine_made: boolean;
}

interface Report {
  readonly validation_state?: string;
  readonly active_manifest?: string;
  readonly manifests?: Readonly<Record<string, Manifest>>;
  readonly validation_results?: {
    readonly activeManifest?: { readonly failure?: readonly { readonly code: string }[] };
  };
}

interface Manifest {
  readonly signature_info?: { readonly issuer?: string; readonly common_name?: string };
  readonly assertions?: readonly unknown[];
}

/** Problems with the certificate alone, such as that it has expired: they say nothing of the file's bytes. */
const CREDENTIAL = 'signingCredential.';
/** Told by `trusted`. */
const UNTRUSTED = 'signingCredential.untrusted';

/**
 * Reads and checks a file's manifest.
 *
 * @param mediaType such as `image/png`
 * @param anchors PEM certificates of authorities to trust
 * @returns undefined where the file has none
 */
export async function readC2paManifest(
  file: Uint8Array,
  mediaType: string,
  anchors?: string,
): Promise<ManifestFacts | undefined> {
  const { WasmReader } = await loadC2pa();
  const trust = { trust_anchors: anchors, trust_config: CLAIM_PURPOSES.join('\n') };
  let report: Report;
  try {
    const reader = await WasmReader.fromBytes(mediaType, file, JSON.stringify({ trust }));
    report = JSON.parse(reader.json()) as Report;
    reader.free();
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    if (/JumbfNotFound|no JUMBF data/i.test(problem)) return undefined;
    return { whole: false, trusted: false, signer: null, problems: [problem], machine_made: false };
  }
  const manifest = report.manifests?.[report.active_manifest ?? ''];
  const failures = report.validation_results?.activeManifest?.failure ?? [];
  const problems = failures.map(({ code }) => code).filter((code) => code !== UNTRUSTED);
  const { issuer, common_name: name } = manifest?.signature_info ?? {};
  return {
    whole: problems.length === 0 ? report.validation_state !== 'Invalid' : isWholeDespite(problems),
    trusted: report.validation_state === 'Trusted',
    signer: name ?? issuer ?? null,
    problems,
    machine_made: JSON.stringify(manifest?.assertions ?? []).includes('trainedAlgorithmicMedia'),
  };
}

const isWholeDespite = (problems: readonly string[]): boolean =>
  problems.every((code) => code.startsWith(CREDENTIAL));
