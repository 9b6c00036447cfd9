import { readFileSync } from 'node:fs';

/** Such as `4711-90210`: the process's number, and when it began where the system tells. */
const MARK = /^([1-9]\d*)(?:-(\d+))?$/;

/**
 * What tells a process from all others of this machine, as a word for the name or the content of a
 * file. Numbers alone are given again, after a restart of the machine or its container in particular.
 */
export function processMark(processId: number): string {
  const started = startOf(processId);
  return started === undefined ? String(processId) : `${processId}-${started}`;
}

/** Whether a text is what {@link processMark} gives. */
export const isProcessMark = (text: string): boolean => MARK.test(text);

/** Whether the process that {@link processMark} described still runs; false for any other text. */
export function isRunning(mark: string): boolean {
  const [, number, started] = MARK.exec(mark) ?? [];
  if (number === undefined) return false;
  const processId = Number(number);
  return hasProcess(processId) && (started === undefined || startOf(processId) === started);
}

function hasProcess(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    // Another user's process may not be signalled, but it is there.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Clock ticks from the machine's start to the process's; undefined where only Linux could tell. */
function startOf(processId: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${processId}/stat`, 'latin1');
    // The program's name comes before, in brackets, and may hold anything. Field 22 by proc(5).
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}
