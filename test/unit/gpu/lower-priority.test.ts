import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { ROOT } from '#test/helpers/root.ts';

/** A process of this priority, of a user who may not raise one. */
function priorityAfter(before: number): number {
  const code = `
    import { getPriority, setPriority } from 'node:os';
    import { lowerPriority } from '#functions/gpu/lower-priority.ts';
    setPriority(${before});
    if (process.getuid() === 0) process.seteuid(65534);
    lowerPriority();
    console.log(getPriority());
  `;
  const words = ['--import', 'tsx', '--input-type=module', '--eval', code];
  return Number(execFileSync(process.execPath, words, { cwd: ROOT, encoding: 'utf8' }));
}

test.each([
  [0, 5],
  [5, 5],
  [10, 10],
])('priority %d becomes %d', (before, after) => expect(priorityAfter(before)).toBe(after));
