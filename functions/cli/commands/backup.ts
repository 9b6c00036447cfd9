import { dataFolder } from '#functions/cli/client/service.ts';
import { defineCommand, flag, option } from '#functions/cli/command.ts';
import { oneWord, path } from '#functions/cli/option-types.ts';
import { backUp } from '#functions/local/backup.ts';

export const backup = defineCommand({
  summary: 'copy the data folder while its server runs: ledger, jobs, keys, pictures',
  usage: 'DIR [options]',
  options: {
    data: option('DIR', 'the data folder; default: ./.onestep', path(), 'd'),
    'with-models': flag('copy imported models as well; they never change'),
  },
  positionals: oneWord('Name a folder that is not there yet: onestep backup DIR'),
  examples: [
    'onestep backup /var/backups/onestep-monday',
    'onestep start --data /var/backups/onestep-monday',
  ],
  async run({ options, env, positionals: [target], print }) {
    const from = dataFolder(env, options.data);
    const { folder, files, sizeBytes } = await backUp(from, target, options['with-models']);
    const megabytes = (sizeBytes / 1e6).toFixed(1);
    print(
      { folder, files, size_bytes: sizeBytes },
      `${folder}: ${files} files, ${megabytes} MB. To restore it, copy it back and start on it.\n`,
    );
  },
});
