import { AppError } from '#shared/core/errors.ts';

/** The packages, which are installed where payments by x402 are configured, and their versions. */
export const X402_PACKAGES = {
  '@x402/core': '2.27.0',
  '@x402/evm': '2.27.0',
  viem: '2.57.20',
} as const;

/** @param folder where to install them; without it, here */
export function x402NotInstalled({
  folder,
  cause,
}: {
  folder?: string;
  cause?: unknown;
}): AppError {
  const packages = Object.entries(X402_PACKAGES).map(([name, version]) => `${name}@${version}`);
  const command = `npm install ${packages.join(' ')}`;
  return new AppError(
    'invalid-request',
    `Payments by x402 are configured, and their packages are not installed. Run${folder === undefined ? '' : ` in ${folder}`}: ${command}`,
    { cause },
  );
}

/** Loads the optional packages. */
export async function loadX402() {
  try {
    const [server, evm, names, types, viem] = await Promise.all([
      import('@x402/core/server'),
      import('@x402/evm/exact/server'),
      import('@x402/evm/v1'),
      import('@x402/core/types'),
      import('viem'),
    ]);
    return { server, evm, names, types, viem };
  } catch (cause) {
    throw x402NotInstalled({ cause });
  }
}

export type X402 = Awaited<ReturnType<typeof loadX402>>;
