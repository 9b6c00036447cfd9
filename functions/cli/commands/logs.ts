import { text } from '#functions/cli/admin-command.ts';
import { connectService, SERVICE_OPTIONS, type Service } from '#functions/cli/client/connect.ts';
import { followStream, type StreamEvent } from '#functions/cli/client/follow-stream.ts';
import { formatTable, oneLine } from '#functions/cli/client/table.ts';
import type { Command, CommandContext } from '#functions/cli/command.ts';
import { withInterrupt } from '#functions/cli/interrupt.ts';
import { AppError } from '#shared/core/errors.ts';
import { formatUsd, microUsd } from '#shared/core/money.ts';

const DEFAULT_LINES = 20;
const MAX_LINES = 100;
const PROMPT_WIDTH = 48;

/** What is shown of a prediction; the API says more. */
interface PredictionView {
  readonly id: string;
  readonly status: string;
  readonly model: string;
  readonly created_at: string;
  readonly input: { readonly prompt?: string } | null;
  readonly error: string | null;
  readonly output: readonly string[] | null;
  readonly warnings: readonly string[];
  readonly cost: number | null;
  readonly price: number;
  readonly metrics: { readonly total_time?: number };
  readonly queue_position?: number | null;
  readonly urls: { readonly stream?: string };
}

export const logs: Command = {
  summary: 'list recent predictions, or follow one to its end',
  usage: '[ID] [options]',
  options: {
    num: { type: 'string', short: 'n', value: 'N', help: `how many, 1 to ${MAX_LINES}` },
    ...SERVICE_OPTIONS,
  },
  examples: [
    'onestep logs',
    'onestep logs 01kay2wz5e8m8c6x0q2v3j4k5n',
    'onestep logs -n 100 --json',
  ],
  run,
};

async function run(context: CommandContext): Promise<void> {
  const [id, ...rest] = context.positionals;
  if (rest.length > 0) throw new AppError('invalid-request', 'logs takes one id, or none.');
  const service = await connectService(context);
  if (id === undefined) return list(context, service);
  await withInterrupt('logs', (signal) => follow(context, service, id, signal));
}

async function list(context: CommandContext, service: Service): Promise<void> {
  const given = text(context, 'num') ?? String(DEFAULT_LINES);
  const limit = Number(given);
  if (!/^\d+$/.test(given) || limit < 1 || limit > MAX_LINES) {
    throw new AppError('invalid-request', `--num ${given} does not work: it is 1 to ${MAX_LINES}.`);
  }
  const answer = await service.get(`/v1/predictions?limit=${limit}`);
  const { results } = (await answer.json()) as { results: readonly PredictionView[] };
  if (context.values['json'] === true) context.stdout.write(`${JSON.stringify(results)}\n`);
  else context.stdout.write(predictionTable(results));
}

/** Oldest first, so that the newest is next to the prompt of the shell. */
export function predictionTable(predictions: readonly PredictionView[]): string {
  if (predictions.length === 0) return 'There are no predictions yet.\n';
  const rows = predictions
    .toReversed()
    .map((prediction) => [
      prediction.created_at.slice(0, 19).replace('T', ' '),
      prediction.id,
      prediction.status,
      oneLine(prediction.model, 24),
      prediction.metrics.total_time === undefined
        ? ''
        : `${prediction.metrics.total_time.toFixed(1)} s`,
      prediction.cost === null ? '' : formatUsd(microUsd(prediction.cost)),
      oneLine(prediction.error ?? prediction.input?.prompt ?? '', PROMPT_WIDTH),
    ]);
  return formatTable(
    [
      { title: 'created (UTC)' },
      { title: 'id' },
      { title: 'status' },
      { title: 'model' },
      { title: 'took', right: true },
      { title: 'charged', right: true },
      { title: 'prompt or error' },
    ],
    rows,
  );
}

async function follow(
  context: CommandContext,
  service: Service,
  id: string,
  signal: AbortSignal,
): Promise<void> {
  const { stdout, stderr, values } = context;
  const path = `/v1/predictions/${encodeURIComponent(id)}`;
  const read = async () => (await (await service.get(path)).json()) as PredictionView;
  const before = await read();
  stderr.write(`${before.model}: ${oneLine(before.input?.prompt ?? '(erased)', 200)}\n`);
  const { stream } = before.urls;
  if (stream !== undefined) {
    for await (const event of followStream(stream, signal)) {
      const line = eventLine(event);
      if (line !== undefined) stderr.write(`${line}\n`);
    }
  }
  signal.throwIfAborted();
  const after = await read();
  if (values['json'] === true) {
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

/** A line for a person; undefined for events that the end says again. */
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
