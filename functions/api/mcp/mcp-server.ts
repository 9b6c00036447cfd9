import { type CallToolResult, McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';
import type { ApiContext } from '#functions/api/http/context.ts';
import { reported } from '#functions/api/http/errors.ts';
import type { RouteDeps } from '#functions/api/http/route-deps.ts';
import { ownJob } from '#functions/api/predictions/own-job.ts';
import { defined } from '#shared/core/defined.ts';
import { AppError } from '#shared/core/errors.ts';
import { isTerminal, type Job } from '#shared/core/job.ts';
import { formatUsd } from '#shared/core/money.ts';
import { GenerateInput, ModelList, PredictionFacts } from './mcp-schema.ts';
import { showImages } from './show-images.ts';

/** The tools of one request, for the key that makes it. */
export function createMcpServer(c: ApiContext, deps: RouteDeps): McpServer {
  const server = new McpServer({ name: 'onestep', version: '1' });

  server.registerTool(
    'generate',
    {
      title: 'Generate images',
      description:
        'Makes images from a prompt and shows them, large ones as small previews; the originals are at the urls. ' +
        'It costs money: see list_models for prices. ' +
        'A prediction that is not ready in time is named; read it with get_prediction.',
      inputSchema: GenerateInput,
      outputSchema: PredictionFacts,
    },
    (input) => told(c, deps, () => generate(c, deps, input)),
  );

  server.registerTool(
    'get_prediction',
    {
      title: 'Get a prediction',
      description: 'Shows the images of a prediction that generate has named.',
      inputSchema: z.strictObject({ id: z.string().max(64) }),
      outputSchema: PredictionFacts,
      annotations: { readOnlyHint: true },
    },
    ({ id }) => told(c, deps, async () => showJob(c, deps, await ownJob(c, deps, id))),
  );

  server.registerTool(
    'list_models',
    {
      title: 'List models',
      description: 'Lists the models with their sizes and prices.',
      inputSchema: z.strictObject({}),
      outputSchema: ModelList,
      annotations: { readOnlyHint: true },
    },
    () => told(c, deps, async () => withFacts<typeof ModelList>([], { models: listModels(deps) })),
  );
  return server;
}

async function generate(
  c: ApiContext,
  deps: RouteDeps,
  { model: name, ...wishes }: { readonly prompt: string; readonly model?: string | undefined },
): Promise<CallToolResult> {
  const model = name === undefined ? deps.catalog.models[0] : deps.catalog.resolve(name);
  if (model === undefined) throw new AppError('not-found', `There is no model "${name}".`);
  const input = Object.fromEntries(
    Object.entries(wishes).filter(([, value]) => value !== undefined),
  );
  const { job } = await deps.intake.submit(c, {
    model,
    dialect: 'mcp',
    route: 'mcp/generate',
    input,
    inputPath: [],
  });
  const latest = await deps.watcher.waitForEnd(job, deps.settings.maxWaitMs, c.req.raw.signal);
  return showJob(c, deps, latest ?? job);
}

async function showJob(c: ApiContext, deps: RouteDeps, job: Job): Promise<CallToolResult> {
  const { id, status } = job;
  const facts = { id, status, urls: [], seed: job.input?.seed ?? null, cost_micro_usd: 0 };
  if (!isTerminal(status)) {
    const { phase, etaSeconds } = await deps.estimator.estimate(job);
    const words =
      `Prediction ${id} is not ready (${phase}, about ${etaSeconds} s to go). ` +
      'Call get_prediction with this id later.';
    return withFacts<typeof PredictionFacts>([text(words)], { ...facts, eta_seconds: etaSeconds });
  }
  if (status !== 'succeeded') {
    const reason = job.error?.message ?? 'no image was charged';
    return { isError: true, content: [text(`Prediction ${id} ${status}: ${reason}`)] };
  }
  const urls = await deps.presenter.outputUrls(job, c.get('facts').origin);
  const images = await showImages(deps, job);
  const made = { ...facts, urls: [...urls], cost_micro_usd: job.cost ?? 0 };
  return withFacts<typeof PredictionFacts>(images, made);
}

function listModels({ catalog, pricing }: RouteDeps): z.input<typeof ModelList>['models'] {
  return catalog.models.map(({ name, description, size, maxOutputs, hasDrafts }) => {
    const own = { width: size.defaultWidth, height: size.defaultHeight, num_outputs: 1 };
    const price = (decoder?: 'draft') =>
      formatUsd(pricing.quote(name, { ...own, ...defined({ decoder }) }).perImage);
    return {
      name,
      description,
      default_size: `${size.defaultWidth}x${size.defaultHeight}`,
      sides: { multiple_of: size.multiple, min: size.min, max: size.max },
      max_outputs: maxOutputs,
      price_per_image: price(),
      ...(hasDrafts && { decoders: ['draft' as const], price_per_draft: price('draft') }),
    };
  });
}

/** A result as the tool's schema has it, and the same as text for agents that read no other. */
function withFacts<S extends z.ZodType<Record<string, unknown>>>(
  content: CallToolResult['content'],
  facts: z.input<S>,
): CallToolResult {
  return { content: [...content, text(JSON.stringify(facts))], structuredContent: facts };
}

/** A tool's result; the agent gets failures as text that says what would help. */
async function told(
  c: ApiContext,
  deps: RouteDeps,
  act: () => Promise<CallToolResult>,
): Promise<CallToolResult> {
  try {
    return await act();
  } catch (thrown) {
    const { status, message } = reported(c, deps, thrown);
    const shown = status === 500 ? 'Something went wrong on the server.' : message;
    return { isError: true, content: [text(shown)] };
  }
}

function text(words: string) {
  return { type: 'text' as const, text: words };
}
