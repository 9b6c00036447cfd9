import { asset } from './assets.ts';
import { SAMPLE_SHEET_BASE64, SOCIAL_CARD_BASE64 } from './sample-sheet-data.ts';

const bytes = (base64: string) => new Uint8Array(Buffer.from(base64, 'base64'));

/** What the demo model makes of the playground's sample prompts, side by side. */
export const SAMPLE_SHEET = asset(bytes(SAMPLE_SHEET_BASE64), 'webp', 'image/webp');

/** The same in two rows, as previews of links show it. */
export const SOCIAL_CARD = asset(bytes(SOCIAL_CARD_BASE64), 'jpg', 'image/jpeg');
