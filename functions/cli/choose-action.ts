import { AppError } from '#shared/core/errors.ts';
import { didYouMean } from '#shared/core/nearest.ts';

/**
 * The action that the first word names, for commands such as `keys list`.
 *
 * @throws AppError `invalid-request` that names the action that was likely meant
 */
export function chooseAction<Action>(
  command: string,
  actions: Readonly<Record<string, Action>>,
  word: string,
): Action {
  const action = Object.hasOwn(actions, word) ? actions[word] : undefined;
  if (action !== undefined) return action;
  const names = Object.keys(actions);
  const meant = didYouMean(word, names, `onestep ${command} `);
  throw new AppError(
    'invalid-request',
    `${command} has no "${word}".${meant} It takes ${names.join(', ')}.`,
  );
}
