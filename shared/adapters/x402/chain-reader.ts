import type { JobPayment } from '#shared/core/payment.ts';
import type { TransferState } from '#shared/service/ports/payment-gateway.ts';
import type { X402 } from './load-x402.ts';

/** The part of EIP-3009 and ERC-20 that says what became of a transfer. */
const TOKEN = [
  'function authorizationState(address authorizer, bytes32 nonce) view returns (bool)',
  'event AuthorizationUsed(address indexed authorizer, bytes32 indexed nonce)',
  'event Transfer(address indexed from, address indexed to, uint256 value)',
] as const;

const TIMEOUT_MS = 10_000;

type Hex = `0x${string}`;

/** Reads transfers from a node of the chain. */
export function createChainReader({ viem }: X402, rpcUrl: string) {
  const abi = viem.parseAbi(TOKEN);
  const [, authorizationUsed] = abi;
  const client = viem.createPublicClient({
    transport: viem.http(rpcUrl, { timeout: TIMEOUT_MS, retryCount: 1 }),
  });

  /** The transaction that used the nonce, if that moved the amount to the payee. */
  const findTransaction = async (payment: JobPayment): Promise<string | undefined> => {
    const asset = payment.asset as Hex;
    const used = await client.getLogs({
      address: asset,
      event: authorizationUsed,
      args: { authorizer: payment.payer as Hex, nonce: payment.nonce as Hex },
      fromBlock: BigInt(payment.fromBlock ?? 0),
      toBlock: 'latest',
    });
    for (const { transactionHash } of used) {
      const { status, logs } = await client.getTransactionReceipt({ hash: transactionHash });
      const moved = viem
        .parseEventLogs({ abi, eventName: 'Transfer', logs })
        .some(
          ({ address, args }) =>
            address.toLowerCase() === payment.asset &&
            args.from.toLowerCase() === payment.payer &&
            args.to.toLowerCase() === payment.payTo &&
            args.value === BigInt(payment.amount),
        );
      if (status === 'success' && moved) return transactionHash;
    }
    return undefined;
  };

  return {
    async find(payment: JobPayment): Promise<TransferState> {
      const block = await client.getBlock({ blockTag: 'latest' });
      const isUsed = await client.readContract({
        address: payment.asset as Hex,
        abi,
        functionName: 'authorizationState',
        args: [payment.payer as Hex, payment.nonce as Hex],
        blockNumber: block.number,
      });
      if (!isUsed) return { kind: 'unused', at: Number(block.timestamp) };
      const transaction = await findTransaction(payment);
      return transaction === undefined ? { kind: 'spent' } : { kind: 'paid', transaction };
    },

    height: async (): Promise<number> => Number(await client.getBlockNumber({ cacheTime: 0 })),
  };
}
