import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { AppError } from '#shared/core/errors.ts';
import { DRAWING_FOLDER } from '#shared/deployment/names.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/**
 * The drawing function's code with its linux-x64 libraries, as `onestep deploy` has staged it: the CDK names
 * the zip by the digest of what is in it.
 *
 * @throws AppError `file-not-found` where it was not staged
 */
export function stagedDrawingCode(folder = join(ROOT, DRAWING_FOLDER)): Code {
  if (existsSync(join(folder, 'index.mjs'))) return Code.fromAsset(folder);
  throw new AppError(
    'file-not-found',
    `A model has "compute": "lambda", and ${DRAWING_FOLDER} is not there. "onestep deploy" makes it.`,
  );
}
