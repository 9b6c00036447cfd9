import { z } from 'zod';
import type { UsageSchema } from '#functions/api/account/account-schema.ts';
import { connectService, SERVICE_OPTIONS } from '#functions/cli/client/service.ts';
import { formatTable } from '#functions/cli/client/table.ts';
import { defineCommand, flag, option } from '#functions/cli/command.ts';
import { date, list } from '#functions/cli/option-types.ts';
import { defined } from '#shared/core/defined.ts';
import { AppError } from '#shared/core/errors.ts';
import { formatUsd, microUsd } from '#shared/core/money.ts';

type Usage = z.infer<typeof UsageSchema>;

const Group = z.string().regex(/^(day|model|key|tag:.+)$/, {
  error: ({ input }) => `${input} is not one of day, model, key, tag:NAME`,
});

export const usage = defineCommand({
  summary: 'see what was made and charged, by day, model, key or tag',
  usage: '[options]',
  options: {
    by: option(
      'LIST',
      'day, model, key, tag:NAME, or several with commas; default: day,model',
      list(Group).default(['day', 'model']),
    ),
    from: option('DATE', 'in UTC unless it has an offset; default: 30 days ago', date()),
    to: option('DATE', 'not included; default: now', date()),
    csv: flag('print CSV, amounts in millionths of a dollar'),
    ...SERVICE_OPTIONS,
  },
  examples: [
    'onestep usage',
    'onestep usage --by model --from 2026-11-01 --to 2026-12-01',
    'onestep usage --by day,tag:team --csv',
  ],
  async run(context) {
    const { by, from, to, csv, json } = context.options;
    if (csv && json) throw new AppError('invalid-request', 'Choose one of --csv and --json.');
    const query = new URLSearchParams(
      defined({ by: by.join(','), from, to, format: csv ? 'csv' : undefined }),
    );
    const answer = await (await connectService(context)).text(`/v1/usage?${query}`);
    if (csv) context.stdout.write(answer);
    else context.print(JSON.parse(answer), usageTable(JSON.parse(answer)));
  },
});

/** The rows, and their total below them. */
export function usageTable({ from, to, by, rows, total }: Usage): string {
  const period = `${from.slice(0, 10)} to ${to.slice(0, 10)}`;
  if (rows.length === 0) return `Nothing was charged from ${period}.\n`;
  const cells = ({ jobs, images, amount }: Usage['total']) => [
    String(jobs),
    String(images),
    formatUsd(microUsd(amount)),
  ];
  return formatTable(
    [...by, '>jobs', '>images', '>charged'],
    [
      ...rows.map((row) => [...by.map((name) => row.group[name] || '–'), ...cells(row)]),
      [...by.map((_, i) => (i === 0 ? 'total' : '')), ...cells(total)],
    ],
  );
}
