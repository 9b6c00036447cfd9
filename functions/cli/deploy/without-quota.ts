import type { DeploymentSettings } from '#shared/deployment/settings.ts';
import type { Manifest } from '#shared/engine/package/manifest.ts';
import type { Finding } from './preflight.ts';

/** A function downloads its package before each first order, and holds it in 3,008 MB with all the rest. */
const MOST_PACKAGE_BYTES = 400 * 2 ** 20;

/** Whether a package is small enough for a function on a CPU. */
export function fitsLambda({ files }: Pick<Manifest, 'files'>): boolean {
  const bytes = Object.values(files).reduce((sum, file) => sum + file.bytes, 0);
  return bytes <= MOST_PACKAGE_BYTES;
}

/**
 * The settings for an account without a quota for GPUs: its models on Lambda, if all of them fit. Undefined
 * where there is a quota, or where a model needs one.
 *
 * @param packages the packages at hand, by their digests
 */
export function withoutQuota(
  settings: DeploymentSettings,
  findings: readonly Finding[],
  packages: ReadonlyMap<string, Manifest>,
): DeploymentSettings | undefined {
  if (!findings.some(({ ok, forGpu }) => !ok && forGpu === 'quota')) return undefined;
  const fits = settings.models.every(({ digest }) => {
    const manifest = packages.get(digest);
    return manifest !== undefined && fitsLambda(manifest);
  });
  if (!fits) return undefined;
  return { ...settings, models: settings.models.map((model) => ({ ...model, compute: 'lambda' })) };
}
