import { relative } from 'node:path';
import { type Block, blocksOf } from './doc-blocks.ts';
import { ROOT } from './root.ts';

/**
 * The blocks of one document that have one fence, such as `sh aws`, and where they are run as printed
 * instead of in test/e2e/docs.test.ts: in a test, or where no test can, by a command that says why.
 */
export type Claim = {
  readonly document: string;
  readonly fence: string;
} & ({ readonly test: string } | { readonly command: string; readonly because: string });

export const CLAIMS: readonly Claim[] = [
  { document: 'README.md', fence: 'sh ci', test: 'test/container/fresh-clone.test.ts' },
  {
    document: 'docs/contributing.md',
    fence: 'sh ci',
    test: 'test/unit/ci/documented-commands.test.ts',
  },
  { document: 'docs/deploy.md', fence: 'sh ci', test: 'test/container/fresh-clone.test.ts' },
  {
    document: 'docs/payments.md',
    fence: 'json aws',
    test: 'test/unit/deployment/documented-settings.test.ts',
  },
  {
    document: 'docs/provenance.md',
    fence: 'json aws',
    test: 'test/unit/deployment/documented-settings.test.ts',
  },
  { document: 'docs/payments.md', fence: 'sh env', test: 'test/payments/documents.test.ts' },
  { document: 'docs/use.md', fence: 'sh env', test: 'test/e2e/docs.test.ts' },
  {
    document: 'docs/operations.md',
    fence: 'sh aws',
    test: 'test/aws/deploy/documented-calls.test.ts',
  },
  {
    document: 'docs/payments.md',
    fence: 'sh aws',
    test: 'test/aws/deploy/documented-calls.test.ts',
  },
  {
    document: 'docs/provenance.md',
    fence: 'sh aws',
    test: 'test/aws/deploy/documented-calls.test.ts',
  },
  {
    document: 'docs/deploy.md',
    fence: 'sh gpu',
    command: 'npx --no onestep deploy --region eu-central-1 --model syzhang0805/disback --yes',
    because:
      'It needs an account with CodeBuild and a quota for GPUs. Its steps are run one by one: ' +
      'test/unit/cli/deploy (order and answers), test/build (the build), test/aws (the rest).',
  },
  {
    document: 'docs/engine-performance.md',
    fence: 'sh bench',
    test: 'test/container/docs-bench.test.ts',
  },
  {
    document: 'docs/engine-performance.md',
    fence: 'sh gpu',
    test: 'test/container/gpu-machine.test.ts',
  },
  { document: 'docs/gpu-machine.md', fence: 'sh gpu', test: 'test/container/gpu-machine.test.ts' },
  {
    document: 'docs/deploy.md',
    fence: 'sh account',
    test: 'test/aws/deploy/documented-deployments.test.ts',
  },
  {
    document: 'docs/operations.md',
    fence: 'sh account',
    test: 'test/aws/deploy/documented-deployments.test.ts',
  },
  { document: 'docs/import.md', fence: 'sh hub', test: 'test/container/docs-imports.test.ts' },
  { document: 'docs/self-host.md', fence: 'sh docker', test: 'test/container/image-steps.test.ts' },
  { document: 'docs/self-host.md', fence: 'sh host', test: 'test/container/self-host.test.ts' },
];

export interface ClaimedBlock extends Block {
  readonly document: string;
  readonly fence: string;
}

/** What stands behind the fence of a block, such as `sh aws`. */
export function fenceOf({ language, excuse }: Block): string {
  return excuse === undefined ? language : `${language} ${excuse}`;
}

/** The blocks of a claim, in the order of the document. */
export function blocksOfClaim({ document, fence }: Claim): readonly ClaimedBlock[] {
  return blocksOf(document)
    .filter((block) => fenceOf(block) === fence)
    .map((block) => ({ ...block, document, fence }));
}

/** The blocks that a test file claims to run; it is given its own `import.meta.filename`. */
export function blocksRunBy(testFile: string): readonly ClaimedBlock[] {
  const path = relative(ROOT, testFile);
  const blocks = CLAIMS.filter((claim) => 'test' in claim && claim.test === path).flatMap(
    blocksOfClaim,
  );
  if (blocks.length === 0) throw new Error(`${path} claims no block in test/helpers/doc-claims.ts`);
  return blocks;
}
