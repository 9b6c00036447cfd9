import { readManifest } from '#shared/engine/package/manifest.ts';
import type { Picture } from '#shared/engine/pipeline/pipeline.ts';
import { loadSessions } from '#shared/engine/pipeline/sessions.ts';

/**
 * Decodes the latents of pictures that were drawn before, by another package of the same model.
 *
 * @returns pixels of each picture, uint8 RGB
 */
export async function decodeAgain(
  folder: string,
  pictures: readonly Picture[],
  signal?: AbortSignal,
): Promise<readonly Uint8Array[]> {
  const manifest = readManifest(folder);
  const sessions = await loadSessions(folder, manifest, { device: 'cpu' });
  try {
    const decoded: Uint8Array[] = [];
    for (const { stages } of pictures) {
      signal?.throwIfAborted();
      const { data, dims } = stages.vae_in;
      // The graph divides by the scaling factor itself.
      const x0 = (data as Float32Array).map((value) => value * manifest.vae.scalingFactor);
      const { pixels } = await sessions.run('vae', { x0: { data: x0, dims } });
      decoded.push(Uint8Array.from(pixels?.data ?? []));
    }
    return decoded;
  } finally {
    await sessions.close();
  }
}
