const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const LENGTH = 24;

/**
 * The secret of the key that an invitation makes, kept for this tab: after a lost answer, or a page that was
 * loaded again, the same request gets the same key.
 */
export function keySecretFor(token: string): string {
  const name = nameFor(token);
  const known = sessionStorage.getItem(name);
  if (known !== null) return known;
  const made = randomDigits();
  sessionStorage.setItem(name, made);
  return made;
}

/** Whether this tab has asked for the key before. */
export function hasKeySecret(token: string): boolean {
  return sessionStorage.getItem(nameFor(token)) !== null;
}

export function forgetKeySecret(token: string): void {
  sessionStorage.removeItem(nameFor(token));
}

const nameFor = (token: string): string => `onestep-join:${token.split('.')[0]}`;

/** Bytes from 248 on would make the first digits likelier. */
function randomDigits(): string {
  let digits = '';
  while (digits.length < LENGTH) {
    for (const byte of crypto.getRandomValues(new Uint8Array(LENGTH))) {
      if (byte < 248 && digits.length < LENGTH) digits += DIGITS.charAt(byte % 62);
    }
  }
  return digits;
}
