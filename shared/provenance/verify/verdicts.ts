/** What is known of an image; the first that holds. */
export const VERDICTS = ['signed', 'signed-changed', 'receipt', 'watermark', 'nothing'] as const;
export type Verdict = (typeof VERDICTS)[number];
