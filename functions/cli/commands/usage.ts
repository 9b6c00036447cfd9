import { text } from '#functions/cli/admin-command.ts';
import { connectService, SERVICE_OPTIONS } from '#functions/cli/client/connect.ts';
import { formatTable } from '#functions/cli/client/table.ts';
import type { Command, CommandContext } from '#functions/cli/command.ts';
import { AppError } from '#shared/core/errors.ts';
import { formatUsd, microUsd } from '#shared/core/money.ts';

interface Sums {
  readonly jobs: number;
  readonly images: number;
  readonly amount: number;
}

interface UsageView {
  readonly from: string;
  readonly to: string;
  readonly by: readonly string[];
  readonly rows: readonly (Sums & { readonly group: Readonly<Record<string, string>> })[];
  readonly total: Sums;
}

export const usage: Command = {
  summary: 'see what was made and charged, by day, model, key or tag',
  usage: '[options]',
  options: {
    by: {
      type: 'string',
      value: 'LIST',
      help: 'day, model, key, tag:NAME, or several with commas; default: day,model',
    },
    from: { type: 'string', value: 'DATE', help: 'default: 30 days ago' },
    to: { type: 'string', value: 'DATE', help: 'not included; default: now' },
    csv: { type: 'boolean', help: 'print CSV, amounts in millionths of a dollar' },
    ...SERVICE_OPTIONS,
  },
  examples: [
    'onestep usage',
    'onestep usage --by model --from 2026-11-01 --to 2026-12-01',
    'onestep usage --by day,tag:team --csv',
  ],
  run,
};

async function run(context: CommandContext): Promise<void> {
  const { stdout, values } = context;
  const csv = values['csv'] === true;
  if (csv && values['json'] === true) {
    throw new AppError('invalid-request', 'Choose one of --csv and --json.');
  }
  const query = new URLSearchParams({ by: text(context, 'by') ?? 'day,model' });
  for (const name of ['from', 'to']) {
    const date = text(context, name);
    if (date !== undefined) query.set(name, date);
  }
  if (csv) query.set('format', 'csv');
  const service = await connectService(context);
  const answer = await (await service.get(`/v1/usage?${query}`)).text();
  if (csv) stdout.write(answer);
  else if (values['json'] === true) stdout.write(`${answer}\n`);
  else stdout.write(usageTable(JSON.parse(answer)));
}

/** The rows, and their total below them. */
export function usageTable({ from, to, by, rows, total }: UsageView): string {
  const period = `${from.slice(0, 10)} to ${to.slice(0, 10)}`;
  if (rows.length === 0) return `Nothing was charged from ${period}.\n`;
  const cells = ({ jobs, images, amount }: Sums) => [
    String(jobs),
    String(images),
    formatUsd(microUsd(amount)),
  ];
  return formatTable(
    [
      ...by.map((title) => ({ title })),
      ...['jobs', 'images', 'charged'].map((title) => ({ title, right: true })),
    ],
    [
      ...rows.map((row) => [...by.map((name) => row.group[name] || '–'), ...cells(row)]),
      [...by.map((_, i) => (i === 0 ? 'total' : '')), ...cells(total)],
    ],
  );
}
