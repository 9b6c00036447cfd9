import { AppError } from '#shared/core/errors.ts';
import { didYouMean } from '#shared/core/nearest.ts';

/** What a command such as `keys` can do. */
export interface Actions<Action> {
  readonly actions: Readonly<Record<string, Action>>;
  /** What the one word is called that some of them take; the others take none. */
  readonly takes: Readonly<Record<string, string>>;
  /** The action for no word at all. */
  readonly otherwise?: string;
}

/**
 * The action that the first word names, for commands such as `keys list`, and the word that it is about.
 *
 * @throws AppError `invalid-request` that names the action that was likely meant, or the word too many
 */
export function chooseAction<Action>(
  command: string,
  { actions, takes, otherwise = '' }: Actions<Action>,
  [name = otherwise, ...words]: readonly string[],
): readonly [action: Action, name: string, word: string | undefined] {
  const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
  if (action === undefined) throw unknownAction(command, name, Object.keys(actions));
  const word = takes[name];
  const surplus = words[word === undefined ? 0 : 1];
  if (surplus === undefined) return [action, name, words[0]];
  throw new AppError(
    'invalid-request',
    `"${surplus}" is one word too many: "onestep ${command} ${name}" takes ${word === undefined ? 'none' : `only ${word}`}.`,
  );
}

function unknownAction(command: string, name: string, names: readonly string[]): AppError {
  const meant = didYouMean(name, names, `onestep ${command} `);
  return new AppError(
    'invalid-request',
    name === ''
      ? `Say what to do: onestep ${command} ${names.join(' | ')}`
      : `${command} has no "${name}".${meant} It takes ${names.join(', ')}.`,
  );
}
