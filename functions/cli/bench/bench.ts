import type { CommandContext } from '#functions/cli/command.ts';

/** One subject of `onestep bench`. */
export interface Bench {
  readonly summary: string;
  run(context: CommandContext): Promise<void>;
}
