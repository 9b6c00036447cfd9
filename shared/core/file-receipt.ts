import type { EmbeddedReceipt } from './embedded-receipt.ts';
import { FileReceiptSchema } from './file-receipt-schema.ts';

/** The receipt in a text, and the signature where the text has it; undefined for anything else. */
export function parseFileReceipt(
  given: unknown,
): { readonly receipt: EmbeddedReceipt; readonly signature: string | undefined } | undefined {
  const parsed = FileReceiptSchema.safeParse(typeof given === 'string' ? parseJson(given) : given);
  if (!parsed.success) return undefined;
  const { signature, ...receipt } = parsed.data;
  return { receipt, signature };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
