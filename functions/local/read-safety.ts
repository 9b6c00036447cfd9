import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { AppError } from '#shared/core/errors.ts';
import {
  createBlockList,
  type PromptCheck,
  parseBlockList,
} from '#shared/service/domain/block-list.ts';
import type { ServeConfig } from './serve-config.ts';

/**
 * The check of prompts that the settings ask for; undefined when they ask for none.
 *
 * @throws AppError `invalid-request` when the file can't be read or a term does not work
 */
export function readBlockList({ safety }: Pick<ServeConfig, 'safety'>): PromptCheck | undefined {
  const list = safety?.blockList;
  if (list === undefined) return undefined;
  return createBlockList(typeof list === 'string' ? parseBlockList(readList(list)) : list);
}

function readList(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw new AppError('invalid-request', `safety.blockList: ${problem}`, { cause });
  }
}

/**
 * What looks at images: an address as it is, or a module's whole path; undefined when nothing does.
 *
 * @throws AppError `invalid-request` when there is no such file
 */
export function readImageCheck({ safety }: Pick<ServeConfig, 'safety'>): string | undefined {
  const check = safety?.imageCheck;
  if (check === undefined || /^https?:\/\//.test(check)) return check;
  const path = resolve(check);
  if (existsSync(path)) return path;
  throw new AppError(
    'invalid-request',
    `safety.imageCheck: there is no ${path}. Give a module's path or a classifier's address.`,
  );
}
