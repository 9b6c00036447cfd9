import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { blocksOf, FILES } from '#test/helpers/doc-blocks.ts';
import { blocksOfClaim, blocksRunBy, CLAIMS, fenceOf } from '#test/helpers/doc-claims.ts';
import { fromRoot, readFromRoot } from '#test/helpers/root.ts';

const named = ({ document, fence }: { document: string; fence: string }) => `${document}: ${fence}`;

describe('blocks that test/e2e/docs.test.ts does not run', () => {
  it('are each run elsewhere, once', () => {
    const excused = FILES.flatMap((document) =>
      blocksOf(document)
        .filter(({ excuse }) => excuse !== undefined)
        .map((block) => named({ document, fence: fenceOf(block) })),
    );
    expect(CLAIMS.map(named).toSorted()).toEqual([...new Set(excused)].sort());
  });

  it.each(CLAIMS.map((claim) => [named(claim), claim] as const))('%s', (_, claim) => {
    expect(blocksOfClaim(claim)).not.toEqual([]);
    if ('command' in claim) {
      expect(claim.because).toMatch(/\w/);
      return;
    }
    expect(existsSync(fromRoot(claim.test)), claim.test).toBe(true);
    expect(readFromRoot(claim.test)).toContain('blocksRunBy(import.meta.filename)');
  });

  it('are not handed to a test that claims none', () => {
    expect(() => blocksRunBy(import.meta.filename)).toThrow('claims no block');
  });
});
