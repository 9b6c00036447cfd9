import { totalmem } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { AppError } from '#shared/core/errors.ts';
import { readManifest } from '#shared/engine/package/manifest.ts';
import { loadPipeline, type Pipeline } from '#shared/engine/pipeline/pipeline.ts';
import { replaced } from '#shared/engine/pipeline/sessions.ts';
import { createLoadedModels } from './loaded-models.ts';
import { lowerPriority } from './lower-priority.ts';
import { withoutFolders } from './without-folders.ts';
import type { FromWorker, StartMessage, ToWorker, WorkerTask } from './worker-messages.ts';

/**
 * The process that runs the model. A run of ONNX Runtime blocks its thread and can't be interrupted:
 * to end it, this process is killed and another started.
 */

/**
 * Side of the warm-up image on a CPU, where a full-sized one could take minutes. Smaller ones are not
 * drawn by all the graphs that a full-sized one is.
 */
const WARM_UP_PIXELS = 128;

/** Of the machine's memory: what models may take, beside the pictures in the making. */
const MODELS_SHARE = 0.5;

/** Resolves once the message is on its way: while this thread draws, nothing is sent. */
const send = (message: FromWorker): Promise<void> =>
  new Promise((resolve) => {
    if (process.send === undefined) resolve();
    else process.send(message, undefined, undefined, () => resolve());
  });

let settings: StartMessage | undefined;
let models: ReturnType<typeof createModels> | undefined;
let shouldStop = false;

/**
 * The model and what loading it took.
 *
 * @param digest of the package that is meant: one in memory that was replaced on the disk is loaded again
 */
async function pipelineFor(
  folder: string,
  digest?: string,
): Promise<{ pipeline: Pipeline; loadMs: number }> {
  models ??= createModels(settings);
  const isLoading = () => void send({ type: 'phase', phase: 'loading' });
  let { model, isNew } = await models.get(folder, isLoading);
  if (digest !== undefined && model.manifest.digest !== digest && !isNew) {
    await models.drop(folder);
    ({ model, isNew } = await models.get(folder, isLoading));
  }
  return { pipeline: model, loadMs: isNew ? model.loadMs : 0 };
}

function createModels(start: StartMessage | undefined) {
  if (start === undefined) throw new Error('The worker was not started');
  const { device, threads } = start;
  return createLoadedModels({
    load: (folder) => loadPipeline(folder, { device, threads, spin: false }),
    sizeBytes(folder) {
      const { text, unet, vae, draft } = readManifest(folder).graphs.cpu;
      const graphs = [text, unet, vae, ...(draft === undefined ? [] : [draft])];
      return graphs.reduce((sum, { weightBytes }) => sum + weightBytes, 0);
    },
    // The memory of a GPU is for one model.
    limitBytes: device === 'cuda' ? 0 : totalmem() * MODELS_SHARE,
  });
}

async function warmUp(folder: string): Promise<void> {
  const { pipeline } = await pipelineFor(folder);
  const { multiple, defaultWidth, defaultHeight } = pipeline.manifest.size;
  const small = Math.max(multiple, Math.floor(WARM_UP_PIXELS / multiple) * multiple);
  // A GPU chooses its kernels for a shape when it first meets it.
  const [width, height] =
    pipeline.device === 'cuda' ? [defaultWidth, defaultHeight] : [small, small];
  const request = { prompt: 'warm up', seed: 0, width, height, numOutputs: 1 };
  for await (const _ of pipeline.generate(request));
}

async function runTask(task: WorkerTask): Promise<void> {
  const { prompt, seed, width, height, numOutputs, decoder } = task;
  shouldStop = false;
  const { pipeline, loadMs } = await pipelineFor(task.folder, task.digest);
  if (pipeline.manifest.digest !== task.digest) throw replaced(pipeline.manifest);
  const ms = { load: loadMs, text: 0, unet: 0, vae: 0 };
  await send({ type: 'phase', phase: 'running' });
  const isStopped = async (): Promise<boolean> => {
    // What the parent has said meanwhile is read before the thread is blocked again.
    await setImmediate();
    return shouldStop;
  };
  const request = { prompt, seed, width, height, numOutputs, decoder, isStopped };
  for await (const picture of pipeline.generate(request)) {
    ms.text += picture.ms.text;
    ms.unet += picture.ms.unet;
    ms.vae += picture.ms.vae;
    const { index, seed, pixels } = picture;
    await send({ type: 'picture', picture: { index, seed, width, height, pixels } });
  }
  const warnings = pipeline.warningsFor(prompt);
  await send({ type: 'done', ms, versions: pipeline.versions, warnings });
}

async function handle(message: ToWorker): Promise<void> {
  if (message.type === 'stop') {
    shouldStop = true;
    return;
  }
  try {
    if (message.type === 'start') {
      settings = message;
      watchParent();
      if (message.device === 'cpu') lowerPriority();
      await warmUp(message.folder);
      await send({ type: 'ready' });
    } else {
      await runTask(message.task);
    }
  } catch (error) {
    await send({ type: 'error', ...describeFailure(error) });
  }
  // Outputs of a run hold memory outside the heap until they are collected.
  globalThis.gc?.();
}

function describeFailure(error: unknown): Omit<FromWorker & { type: 'error' }, 'type'> {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof AppError) {
    if (error.code === 'invalid-input' || error.code === 'out-of-memory') {
      return { code: error.code, message };
    }
  }
  return { code: 'model-error', message: withoutFolders(message) };
}

/**
 * Ends this process when its parent is gone. A thread of its own looks for that, since a run may
 * block this one for minutes.
 */
function watchParent(): void {
  const watch = `
    setInterval(() => {
      if (process.ppid !== ${process.ppid}) process.kill(process.pid, 'SIGKILL');
    }, 300);`;
  new Worker(watch, { eval: true }).unref();
}

process.on('disconnect', () => process.exit(0));
// A terminal's Ctrl-C goes to every process of the group; the parent decides what it means.
process.on('SIGINT', () => undefined);
process.on('message', (message: ToWorker) => void handle(message));
