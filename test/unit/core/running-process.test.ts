import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { isProcessMark, isRunning, processMark } from '#shared/core/running-process.ts';

it('knows a process that runs, and no longer when it has ended', async () => {
  // A name with what the system's table puts around names.
  const child = spawn('sh', ['-c', 'read line', ') S 1 (']);
  const mark = processMark(child.pid ?? 0);
  expect(isProcessMark(mark)).toBe(true);
  expect(isRunning(mark)).toBe(true);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(isRunning(mark)).toBe(false);
});

it('gives the same mark each time', () => {
  expect(processMark(process.pid)).toBe(processMark(process.pid));
});

it.runIf(process.platform === 'linux')('does not take another of the same number for it', () => {
  const [number, started] = processMark(process.pid).split('-');
  expect(isRunning(`${number}-${Number(started) - 1}`)).toBe(false);
  expect(isRunning(`${number}`)).toBe(true);
});

it.each(['', '0', '-1', '12x', 'x12', '12-', '1.5', ' 1'])('takes "%s" for no process', (text) => {
  expect(isProcessMark(text)).toBe(false);
  expect(isRunning(text)).toBe(false);
});
