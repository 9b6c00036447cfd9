import type { Checkpoint } from './tensor.ts';

/** Tensors, often without a value, by which a file says what its UNet predicts. */
export const MARKER = /^(?:v_pred|ztsnr|edm_mean|edm_std|edm_vpred\..+)$/;

/** What a checkpoint says about its UNet's prediction, beside the weights. */
export interface Marker {
  /** A tensor's name, or a field of the metadata with its value. */
  readonly found: string;
  readonly means: 'v_prediction' | 'zero-terminal-snr' | 'edm';
}

const PREDICTION_FIELD = 'modelspec.prediction_type';

/** Every marker of a checkpoint, wherever its UNet's names begin. */
export function markersOf({ tensors, metadata }: Checkpoint): Marker[] {
  const markers: Marker[] = [];
  for (const name of tensors.keys()) {
    const own = name.replace(/^(?:model\.)?(?:diffusion_model\.)?/, '');
    if (!MARKER.test(own)) continue;
    const kind = own === 'ztsnr' ? 'zero-terminal-snr' : 'edm';
    markers.push({ found: own, means: own === 'v_pred' ? 'v_prediction' : kind });
  }
  const stated = metadata.get(PREDICTION_FIELD)?.toLowerCase() ?? '';
  const found = `${PREDICTION_FIELD}: ${stated}`;
  if (stated.startsWith('edm')) markers.push({ found, means: 'edm' });
  else if (/^v(?:[_-]?pred(?:iction)?)?$/.test(stated))
    markers.push({ found, means: 'v_prediction' });
  return markers;
}
