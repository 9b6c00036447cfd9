import type { Command } from './command.ts';

/**
 * Every subcommand, in the order of the help text. Each is loaded only when it runs, so that a small
 * command does not wait for the packages of a large one.
 */
export const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  start: async () => (await import('./commands/start.ts')).start,
  serve: async () => (await import('./commands/start.ts')).start,
  keys: async () => (await import('./commands/keys.ts')).keys,
  credits: async () => (await import('./commands/credits.ts')).credits,
  accounts: async () => (await import('./commands/accounts.ts')).accounts,
  generate: async () => (await import('./commands/generate.ts')).generate,
  verify: async () => (await import('./commands/verify.ts')).verify,
  usage: async () => (await import('./commands/usage.ts')).usage,
  logs: async () => (await import('./commands/logs.ts')).logs,
  top: async () => (await import('./commands/top.ts')).top,
  doctor: async () => (await import('./commands/doctor.ts')).doctor,
  bench: async () => (await import('./commands/bench.ts')).bench,
  import: async () => (await import('./commands/import.ts')).importCommand,
  inspect: async () => (await import('./commands/inspect.ts')).inspect,
  tokenize: async () => (await import('./commands/tokenize.ts')).tokenize,
  cost: async () => (await import('./commands/cost.ts')).cost,
  preflight: async () => (await import('./commands/preflight.ts')).preflight,
  push: async () => (await import('./commands/push.ts')).push,
  deploy: async () => (await import('./commands/deploy.ts')).deploy,
  smoke: async () => (await import('./commands/smoke.ts')).smoke,
  pause: async () => (await import('./commands/pause.ts')).pause,
  resume: async () => (await import('./commands/resume.ts')).resume,
  nuke: async () => (await import('./commands/nuke.ts')).nuke,
};
