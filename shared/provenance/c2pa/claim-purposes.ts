/**
 * The purposes (extended key usages) that a certificate may sign claims for: C2PA's own, mail protection,
 * document signing, and Microsoft's for C2PA.
 */
export const CLAIM_PURPOSES: readonly string[] = [
  '1.3.6.1.4.1.62558.2.1',
  '1.3.6.1.5.5.7.3.4',
  '1.3.6.1.5.5.7.3.36',
  '1.3.6.1.4.1.311.76.59.1.9',
];
