import type { Bench } from '#functions/cli/bench/bench.ts';
import type { Command } from '#functions/cli/command.ts';
import { AppError } from '#shared/core/errors.ts';

/** What can be measured; each is loaded only when it runs. */
const BENCHES: Readonly<Record<string, () => Promise<Bench>>> = {
  engine: async () => (await import('#functions/cli/bench/engine.ts')).engineBench,
};

export const bench: Command = {
  summary: 'measure the engine on this machine',
  usage: `${Object.keys(BENCHES).join('|')} [options]`,
  options: {
    shape: { type: 'string', value: 'SHAPE', help: 'engine: sdxl (random weights) or demo' },
    size: {
      type: 'string',
      value: 'PIXELS',
      help: "engine: side of the image; default the model's",
    },
    dtype: { type: 'string', value: 'TYPE', help: 'engine: fp32 (default on a CPU) or fp16' },
    device: { type: 'string', value: 'DEVICE', help: 'engine: cpu (default) or cuda' },
    runs: {
      type: 'string',
      value: 'N',
      help: 'engine: images, the first of them cold; default 2, on a GPU 6',
    },
    compare: {
      type: 'string',
      value: 'WITH',
      help: 'engine: cpu (default on a GPU) to draw the image on the CPU too and say how alike; none',
    },
    dir: { type: 'string', value: 'DIR', help: 'engine: a folder for the files, deleted after' },
    model: { type: 'string', value: 'PKG', help: 'engine: measure this package instead' },
  },
  examples: [
    'onestep bench engine --shape sdxl --size 1024 --json',
    'onestep bench engine --shape demo',
    'onestep bench engine --device cuda --size 1024 --json',
  ],
  async run(context) {
    const [name, ...others] = context.positionals;
    const load = name !== undefined && Object.hasOwn(BENCHES, name) ? BENCHES[name] : undefined;
    if (load === undefined || others.length > 0) {
      throw new AppError(
        'invalid-request',
        `Name what to measure: ${Object.keys(BENCHES).join(', ')}.`,
      );
    }
    await (await load()).run(context);
  },
};
