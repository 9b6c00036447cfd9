import type { Status } from '#functions/api/operations/status-schema.ts';
import { formatUsd, microUsd } from '#shared/core/money.ts';
import { formatTable, oneLine, shortTime } from './table.ts';

const usd = (amount: number): string => formatUsd(microUsd(amount));

/** The state of a service, as lines for a terminal of so many columns. */
export function statusScreen(status: Status, url: string, columns: number): string {
  const { last_minute: minute, today, stage_ms: stages } = status;
  const lines = [
    `Onestep at ${url}   ${shortTime(status.at)} UTC`,
    '',
    ...fact(columns, 'Queue', [`${status.waiting} waiting`, `${status.running ?? '?'} running`]),
    ...fact(columns, 'Rate', [
      `${counted(minute.images, 'image')} in the last minute`,
      usd(minute.amount),
    ]),
    ...fact(columns, 'Today', [
      `${counted(today.images, 'image')} in ${counted(today.charged, 'job')}`,
      `${usd(today.amount)} charged`,
      `${counted(today.released, 'job')} for nothing`,
    ]),
    ...fact(columns, 'Money', [`${usd(status.balance)} to spend`, `${usd(status.held)} held`]),
    ...fact(columns, 'Phases', phasesOf(stages)),
    '',
    ...modelLines(status),
    ...failureLines(status),
  ];
  return `${lines.map((line) => oneLineOf(line, columns)).join('\n')}\n`;
}

const TITLE_WIDTH = 9;

/** A title and its parts, on as many lines as the terminal's width requires. */
function fact(columns: number, title: string, parts: readonly string[]): readonly string[] {
  const lines: string[] = [];
  let line = title.padEnd(TITLE_WIDTH);
  for (const [index, part] of parts.entries()) {
    const text = index === parts.length - 1 ? part : `${part}, `;
    if (index > 0 && line.length + text.trimEnd().length > columns) {
      lines.push(line.trimEnd());
      line = ' '.repeat(TITLE_WIDTH);
    }
    line += text;
  }
  return [...lines, line];
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function phasesOf(stages: Status['stage_ms']): readonly string[] {
  const shown = Object.entries(stages).filter(([, ms]) => ms >= 1);
  if (shown.length === 0) return ['no job has ended in the last ten minutes'];
  return shown.map(([name, ms]) => `${name} ${duration(ms)}`);
}

const duration = (ms: number): string =>
  ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;

function modelLines({ models }: Status): readonly string[] {
  const table = formatTable(
    ['model', 'phase', '>running', '>next in'],
    models.map(({ name, phase, running, eta_seconds }) => [
      name,
      phase === 'queued' ? 'ready' : phase,
      String(running ?? '?'),
      `${eta_seconds} s`,
    ]),
    // The screen cuts its lines itself.
    { columns: undefined, hasColour: false },
  );
  return table.trimEnd().split('\n');
}

function failureLines({ failures }: Status): readonly string[] {
  if (failures.length === 0) return ['', 'No failures in the last ten minutes.'];
  const rows = failures.map(
    ({ at, id, code, message }) => `  ${at.slice(11, 19)}  ${id}  ${code}: ${message}`,
  );
  return ['', 'Failures of the last ten minutes:', ...rows];
}

/** Keeps leading spaces, which are the layout. */
function oneLineOf(line: string, columns: number): string {
  const indent = /^ */.exec(line)?.[0] ?? '';
  return `${indent}${oneLine(line, Math.max(10, columns - indent.length))}`;
}
