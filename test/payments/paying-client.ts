import { registerExactEvmScheme } from '@x402/evm/exact/client';
import { wrapFetchWithPayment, x402Client } from '@x402/fetch';
import type { PrivateKeyAccount } from 'viem';

/** The stock client of a wallet; `onRequest` sees each request that it sends. */
export function payingFetch(payer: PrivateKeyAccount, onRequest?: (request: Request) => void) {
  const client = registerExactEvmScheme(new x402Client(), { signer: payer });
  const spied: typeof fetch = (input, init) => {
    const request = new Request(input, init);
    onRequest?.(request.clone());
    return fetch(request);
  };
  return { client, pay: wrapFetchWithPayment(spied, client) };
}

export function order(prompt: string, headers: Record<string, string> = {}): RequestInit {
  return {
    method: 'POST',
    headers: { 'content-type': 'application/json', prefer: 'wait=50', ...headers },
    body: JSON.stringify({ input: { prompt, seed: 7 } }),
  };
}

// biome-ignore lint/suspicious/noExplicitAny: answers of every shape.
export const read = async (answer: Response): Promise<any> => answer.json();
