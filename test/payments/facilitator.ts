import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { x402Facilitator } from '@x402/core/facilitator';
import { toFacilitatorEvmSigner } from '@x402/evm';
import { registerExactEvmScheme } from '@x402/evm/exact/facilitator';
import { publicActions } from 'viem';
import { type LocalChain, NETWORK } from './local-chain.ts';

/** The protocol's own facilitator behind HTTP, with what a test does to it. */
export interface Facilitator {
  readonly url: string;
  /** How often it was asked to verify and to settle. */
  readonly asked: { verify: number; settle: number };
  /** The `Authorization` header of the last request. */
  authorization: string | undefined;
  /** Called before it settles. */
  beforeSettling: () => Promise<void>;
  /** Whether the connection is cut once it has settled. */
  losesAnswers: boolean;
  close(): Promise<void>;
}

export async function startFacilitator(chain: LocalChain): Promise<Facilitator> {
  const account = await chain.newAccount();
  const wallet = chain.walletOf(account).extend(publicActions);
  const signer = toFacilitatorEvmSigner({
    address: account.address,
    getCode: wallet.getCode,
    readContract: (args) => wallet.readContract(args as never),
    verifyTypedData: (args) => wallet.verifyTypedData(args as never),
    writeContract: (args) => wallet.writeContract(args as never),
    sendTransaction: (args) => wallet.sendTransaction(args as never),
    waitForTransactionReceipt: (args) =>
      wallet.waitForTransactionReceipt({ ...args, pollingInterval: 20 }),
  });
  const facilitator = registerExactEvmScheme(new x402Facilitator(), { signer, networks: NETWORK });

  const answer = async (path: string | undefined, body: unknown): Promise<unknown> => {
    if (path === '/supported') return facilitator.getSupported();
    const { paymentPayload, paymentRequirements } = body as Parameters<
      (asked: { paymentPayload: never; paymentRequirements: never }) => void
    >[0];
    if (path === '/verify') {
      self.asked.verify++;
      return facilitator.verify(paymentPayload, paymentRequirements);
    }
    self.asked.settle++;
    await self.beforeSettling();
    return facilitator.settle(paymentPayload, paymentRequirements);
  };

  const server = createServer(async (request, response) => {
    self.authorization = request.headers.authorization;
    const body = request.method === 'POST' ? await json(request) : undefined;
    const result = await answer(request.url, body);
    if (request.url === '/settle' && self.losesAnswers) {
      request.socket.destroy();
      return;
    }
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(result));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  const self: Facilitator = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: { verify: 0, settle: 0 },
    authorization: undefined,
    beforeSettling: async () => undefined,
    losesAnswers: false,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return self;
}
