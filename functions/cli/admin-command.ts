import { type AdminClient, connectAdmin } from '#functions/local/admin-client.ts';
import { CONFIG_FILE, loadServeConfig } from '#functions/local/serve-config.ts';
import type { CommandContext, Option } from './command.ts';

/** Options of commands that work on a service's data. */
export const COMMON_SERVICE_OPTIONS = {
  data: {
    type: 'string',
    short: 'd',
    value: 'DIR',
    help: "the service's data folder; default: ./.onestep",
  },
  account: { type: 'string', value: 'ID', help: "default: the operator's own account" },
} as const satisfies Record<string, Option>;

/** The text that an option was given. */
export function text(context: CommandContext, name: string): string | undefined {
  const value = context.values[name];
  return typeof value === 'string' ? value : undefined;
}

/** Works with the service of the data folder, whether its server runs or not. */
export async function withAdmin(
  context: CommandContext,
  work: (admin: AdminClient) => Promise<void>,
): Promise<void> {
  const config = loadServeConfig({
    flags: { data: text(context, 'data') },
    env: context.env,
    file: CONFIG_FILE,
    fileRequired: false,
  });
  const admin = await connectAdmin(config);
  try {
    await work(admin);
  } finally {
    admin.close();
  }
}
