import { defineCommand } from '#functions/cli/command.ts';
import { START_OPTIONS } from '#functions/cli/start/options.ts';

export const start = defineCommand({
  summary: 'run the whole service here: API, queue, ledger and the model',
  usage: '[options]',
  options: START_OPTIONS,
  examples: ['onestep start', 'onestep start --port 0 --data /tmp/try --json'],
  // To be told of the options takes none of the service's packages.
  run: async (context) => (await import('#functions/cli/start/run-server.ts')).runServer(context),
});
