import { asset } from './assets.ts';
import { SAMPLE_SHEET_BASE64 } from './sample-sheet-data.ts';

/** What the demo model makes of the playground's sample prompts, side by side. */
export const SAMPLE_SHEET = asset(
  new Uint8Array(Buffer.from(SAMPLE_SHEET_BASE64, 'base64')),
  'webp',
  'image/webp',
);
