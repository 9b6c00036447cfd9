import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import {
  type Abi,
  type Address,
  createTestClient,
  createWalletClient,
  defineChain,
  type Hex,
  http,
  publicActions,
} from 'viem';
import { generatePrivateKey, type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts';
import { ROOT } from '#test/helpers/root.ts';

/** Base's test network by its number, so that version 1 of the protocol has a name for it. */
const CHAIN_ID = 84_532;
export const NETWORK = `eip155:${CHAIN_ID}` as const;
/** Where that network has its USDC, which the stock client pays with unasked. */
export const USDC: Address = '0x036CbD53842c5426634e7929541eC2318f3dCF7e';

export type LocalChain = Awaited<ReturnType<typeof startLocalChain>>;

/** An Ethereum chain on this machine, with USDC's twin in its place. */
export async function startLocalChain(tools: string) {
  const anvil = spawn(join(tools, '@foundry-rs/anvil-linux-amd64/bin/anvil'), [
    ...['--port', '0', '--chain-id', String(CHAIN_ID)],
  ]);
  const rpcUrl = await listening(anvil);
  const chain = defineChain({
    id: CHAIN_ID,
    name: 'local',
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: [rpcUrl] } },
  });
  const client = createTestClient({ mode: 'anvil', chain, transport: http(rpcUrl) }).extend(
    publicActions,
  );
  /** An account with the chain's own money, which transactions cost. */
  const newAccount = async (): Promise<PrivateKeyAccount> => {
    const account = privateKeyToAccount(generatePrivateKey());
    await client.setBalance({ address: account.address, value: 10n ** 18n });
    return account;
  };
  const walletOf = (account: PrivateKeyAccount) =>
    createWalletClient({ account, chain, transport: http(rpcUrl) });
  const owner = walletOf(await newAccount());
  const { abi, bytecode } = compileDollar(tools);
  const deployed = await client.waitForTransactionReceipt({
    hash: await owner.deployContract({ abi, bytecode }),
    pollingInterval: 20,
  });
  const code = await client.getCode({ address: deployed.contractAddress as Address });
  await client.setCode({ address: USDC, bytecode: code as Hex });

  const mint = async (to: Address, amount: number): Promise<void> => {
    const args = [to, BigInt(amount)];
    const hash = await owner.writeContract({ address: USDC, abi, functionName: 'mint', args });
    await client.waitForTransactionReceipt({ hash, pollingInterval: 20 });
  };

  return {
    rpcUrl,
    client,
    newAccount,
    walletOf,
    mint,
    /** A wallet with so many millionths of a dollar. */
    async newPayer(amount: number): Promise<PrivateKeyAccount> {
      const account = await newAccount();
      await mint(account.address, amount);
      return account;
    },
    async balanceOf(address: Address): Promise<number> {
      const args = [address];
      return Number(
        await client.readContract({ address: USDC, abi, functionName: 'balanceOf', args }),
      );
    },
    /** The owner of a wallet sends all its money elsewhere. */
    async empty(account: PrivateKeyAccount): Promise<void> {
      const elsewhere = (await newAccount()).address;
      const all = await client.readContract({
        ...{ address: USDC, abi, functionName: 'balanceOf', args: [account.address] },
      });
      const hash = await walletOf(account).writeContract({
        ...{ address: USDC, abi, functionName: 'transfer', args: [elsewhere, all] },
      });
      await client.waitForTransactionReceipt({ hash, pollingInterval: 20 });
    },
    async stop(): Promise<void> {
      const ended = new Promise((resolve) => anvil.once('exit', resolve));
      anvil.kill();
      await ended;
    },
  };
}

async function listening(anvil: ReturnType<typeof spawn>): Promise<string> {
  if (anvil.stdout === null) throw new Error('anvil has no output');
  for await (const line of createInterface(anvil.stdout)) {
    const address = /Listening on (\S+)/.exec(line)?.[1];
    if (address === undefined) continue;
    // What it writes later has to go somewhere.
    anvil.stdout.resume();
    return `http://${address}`;
  }
  throw new Error('anvil did not start');
}

interface Compiler {
  compile(input: string, callbacks: { import(path: string): { contents: string } }): string;
}

function compileDollar(tools: string): { readonly abi: Abi; readonly bytecode: Hex } {
  const compiler = createRequire(join(tools, 'package.json'))('solc') as Compiler;
  const input = {
    language: 'Solidity',
    sources: {
      'Dollar.sol': { content: readFileSync(join(ROOT, 'test/payments/Dollar.sol'), 'utf8') },
    },
    settings: { outputSelection: { '*': { Dollar: ['abi', 'evm.bytecode.object'] } } },
  };
  const output = JSON.parse(
    compiler.compile(JSON.stringify(input), {
      import: (path) => ({ contents: readFileSync(join(tools, path), 'utf8') }),
    }),
  );
  const contract = output.contracts?.['Dollar.sol']?.Dollar;
  if (contract === undefined) throw new Error(JSON.stringify(output.errors));
  return { abi: contract.abi, bytecode: `0x${contract.evm.bytecode.object}` };
}
