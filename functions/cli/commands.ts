import type { Command } from './command.ts';

type Load = () => Promise<Command>;

/**
 * Every subcommand under what it is for, in the order in which a newcomer needs them. Each is loaded
 * only when it runs, so that a small command does not wait for the packages of a large one.
 */
export const COMMAND_GROUPS: Readonly<Record<string, Readonly<Record<string, Load>>>> = {
  'Here and now': {
    start: async () => (await import('./commands/start.ts')).start,
    generate: async () => (await import('./commands/generate.ts')).generate,
    verify: async () => (await import('./commands/verify.ts')).verify,
    completion: async () =>
      (await import('./commands/completion.ts')).createCompletion(() => COMMANDS),
  },
  'A running service': {
    open: async () => (await import('./commands/open.ts')).open,
    keys: async () => (await import('./commands/keys.ts')).keys,
    credits: async () => (await import('./commands/credits.ts')).credits,
    accounts: async () => (await import('./commands/accounts.ts')).accounts,
    usage: async () => (await import('./commands/usage.ts')).usage,
    logs: async () => (await import('./commands/logs.ts')).logs,
    top: async () => (await import('./commands/top.ts')).top,
    webhooks: async () => (await import('./commands/webhooks.ts')).webhooks,
    backup: async () => (await import('./commands/backup.ts')).backup,
  },
  Models: {
    import: async () => (await import('./commands/import.ts')).importCommand,
    doctor: async () => (await import('./commands/doctor.ts')).doctor,
    inspect: async () => (await import('./commands/inspect.ts')).inspect,
    tokenize: async () => (await import('./commands/tokenize.ts')).tokenize,
    bench: async () => (await import('./commands/bench.ts')).bench,
  },
  AWS: {
    cost: async () => (await import('./commands/cost.ts')).cost,
    preflight: async () => (await import('./commands/preflight.ts')).preflight,
    deploy: async () => (await import('./commands/deploy.ts')).deploy,
    push: async () => (await import('./commands/push.ts')).push,
    smoke: async () => (await import('./commands/smoke.ts')).smoke,
    pause: async () => (await import('./commands/pause.ts')).pause,
    resume: async () => (await import('./commands/resume.ts')).resume,
    nuke: async () => (await import('./commands/nuke.ts')).nuke,
  },
};

/** Other names of commands; the overview shows them beside the first. */
export const ALIASES: Readonly<Record<string, string>> = { serve: 'start' };

const named: Readonly<Record<string, Load>> = Object.assign({}, ...Object.values(COMMAND_GROUPS));

/** Every subcommand by each of its names. */
export const COMMANDS: Readonly<Record<string, Load | undefined>> = {
  ...named,
  ...Object.fromEntries(Object.entries(ALIASES).map(([alias, name]) => [alias, named[name]])),
};
