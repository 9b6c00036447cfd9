import { z } from 'zod';
import type { Prediction } from '#functions/api/predictions/prediction-schema.ts';
import { followStream, type StreamEvent } from '#functions/cli/client/follow-stream.ts';
import type { HttpClient } from '#functions/cli/client/http-client.ts';
import { connectService, SERVICE_OPTIONS } from '#functions/cli/client/service.ts';
import { formatTable, oneLine, shortTime } from '#functions/cli/client/table.ts';
import { type CommandContext, defineCommand, option } from '#functions/cli/command.ts';
import { withInterrupt } from '#functions/cli/interrupt.ts';
import { whole } from '#functions/cli/option-types.ts';
import { AppError } from '#shared/core/errors.ts';
import { formatUsd, microUsd } from '#shared/core/money.ts';

const DEFAULT_LINES = 20;
const MAX_LINES = 100;
const PROMPT_WIDTH = 100;

export const logs = defineCommand({
  summary: 'list recent predictions, or follow one to its end',
  usage: '[ID] [options]',
  options: {
    num: option(
      'N',
      `how many, 1 to ${MAX_LINES}; default: ${DEFAULT_LINES}`,
      whole(1, MAX_LINES).default(DEFAULT_LINES),
      'n',
    ),
    ...SERVICE_OPTIONS,
  },
  positionals: z.array(z.string()).max(1, 'logs takes one id, or none'),
  examples: [
    'onestep logs',
    'onestep logs 01kay2wz5e8m8c6x0q2v3j4k5n',
    'onestep logs -n 100 --json',
  ],
  async run(context) {
    const service = await connectService(context);
    const [id] = context.positionals;
    if (id === undefined) return list(context, service, context.options.num);
    await withInterrupt('logs', (signal) => follow(context, service, id, signal));
  },
});

async function list(context: CommandContext, service: HttpClient, limit: number): Promise<void> {
  const path = `/v1/predictions?limit=${limit}`;
  const { results } = await service.json<{ results: readonly Prediction[] }>(path);
  context.print(results, predictionTable(results));
}

/** Oldest first, so that the newest is next to the prompt of the shell. */
function predictionTable(predictions: readonly Prediction[]): string {
  if (predictions.length === 0) return 'There are no predictions yet.\n';
  const rows = predictions
    .toReversed()
    .map((prediction) => [
      shortTime(prediction.created_at),
      prediction.id,
      prediction.status,
      oneLine(prediction.model, 24),
      prediction.metrics['total_time'] === undefined
        ? ''
        : `${prediction.metrics['total_time'].toFixed(1)} s`,
      prediction.cost === null ? '' : formatUsd(microUsd(prediction.cost)),
      oneLine(prediction.error ?? promptOf(prediction) ?? '', PROMPT_WIDTH),
    ]);
  return formatTable(
    ['created (UTC)', 'id', 'status', 'model', '>took', '>charged', 'prompt or error'],
    rows,
  );
}

function promptOf({ input }: Prediction): string | undefined {
  return typeof input?.['prompt'] === 'string' ? input['prompt'] : undefined;
}

async function follow(
  context: CommandContext,
  service: HttpClient,
  id: string,
  signal: AbortSignal,
): Promise<void> {
  const { stdout, stderr, options } = context;
  const path = `/v1/predictions/${encodeURIComponent(id)}`;
  const before = await service.json<Prediction>(path);
  stderr.write(`${before.model}: ${oneLine(promptOf(before) ?? '(erased)', 200)}\n`);
  const { stream } = before.urls;
  if (stream !== undefined) {
    for await (const event of followStream(stream, signal)) {
      const line = eventLine(event);
      if (line !== undefined) stderr.write(`${line}\n`);
    }
  }
  signal.throwIfAborted();
  const after = await service.json<Prediction>(path);
  if (options.json) {
    stdout.write(`${JSON.stringify(after)}\n`);
    return;
  }
  for (const warning of after.warnings) stderr.write(`warning: ${oneLine(warning, 200)}\n`);
  stderr.write(`${after.status}, charged ${formatUsd(microUsd(after.cost ?? 0))}\n`);
  for (const url of after.output ?? []) stdout.write(`${url}\n`);
  if (after.status === 'failed') {
    throw new AppError('model-error', `The prediction failed: ${after.error ?? 'no reason'}.`);
  }
}

/** A line for a person; undefined for events that the end repeats. */
function eventLine({ event, data }: StreamEvent): string | undefined {
  if (event === 'logs') return oneLine(data, 200);
  if (event !== 'phase') return undefined;
  const { phase, queue_position, eta_seconds } = JSON.parse(data) as {
    phase: string;
    queue_position: number | null;
    eta_seconds: number;
  };
  const place = queue_position === null ? '' : `, ${queue_position} before it`;
  return `${phase}${place}, about ${eta_seconds} s to go`;
}
