import { createRequire } from 'node:module';
import { join } from 'node:path';
import { AppError } from '#shared/core/errors.ts';
import { STACK_PARTS, type StackPart } from '#shared/deployment/names.ts';
import { PROJECT_FOLDER } from './project.ts';
import type { RunCommand } from './run-command.ts';

/** The id that a stack has in the app: `OnestepGpu`. */
export function stackId(part: StackPart): string {
  return `Onestep${part.charAt(0).toUpperCase()}${part.slice(1)}`;
}

/** Calls the CDK's own command line, of the version that this project pins. */
export function createCdk(run: RunCommand, stage: string) {
  const cdk = (words: readonly string[]) =>
    run(process.execPath, [cdkProgram(), ...words, '--context', `onestep:stage=${stage}`], {
      cwd: PROJECT_FOLDER,
    });
  return {
    /** These stacks alone, one at a time, in the order of {@link STACK_PARTS}. */
    deploy: async (parts: readonly StackPart[]): Promise<void> => {
      const ordered = STACK_PARTS.filter((part) => parts.includes(part)).map(stackId);
      await cdk(['deploy', ...ordered, '--exclusively', '--require-approval', 'never']);
    },
    /** Makes the bucket and the roles that deployments to an account's region go through. */
    bootstrap: async (environment: string): Promise<void> => {
      await cdk(['bootstrap', environment]);
    },
    destroy: async (part: StackPart): Promise<void> => {
      await cdk(['destroy', stackId(part), '--exclusively', '--force']);
    },
  };
}

function cdkProgram(): string {
  try {
    return createRequire(join(PROJECT_FOLDER, 'package.json')).resolve('aws-cdk/bin/cdk');
  } catch (cause) {
    throw new AppError(
      'unavailable',
      'The CDK is not installed here: it is a development dependency. Run "npm install --no-save --include=dev".',
      { cause },
    );
  }
}
