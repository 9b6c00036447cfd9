import { z } from 'zod';
import { flag, option } from '#functions/cli/command.ts';
import { path } from '#functions/cli/option-types.ts';
import { CONFIG_FILE } from '#functions/local/serve-config.ts';

export const START_OPTIONS = {
  // Checked with the other settings, so that all faults are listed at once.
  port: option('N', '0 takes any free port; default: 8787', z.string(), 'p'),
  host: option('ADDR', 'the address to listen on; default: 127.0.0.1'),
  data: option('DIR', 'the folder of everything that is kept; default: ./.onestep', path(), 'd'),
  config: option('FILE', `settings; default: ./${CONFIG_FILE}`, path()),
  'allow-local-webhooks': flag('let webhooks go to this machine, by http too; for development'),
  stay: flag('keep running when the process that started this one ends'),
};
