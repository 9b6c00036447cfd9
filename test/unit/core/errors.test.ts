import { expect, it } from 'vitest';
import { AppError } from '#shared/core/errors.ts';

it('records a stack for what is our fault, and spares it for refusals', () => {
  const limit = Error.stackTraceLimit;
  expect(new AppError('internal-error', 'broken').stack).toContain('errors.test.ts');
  expect(new AppError('not-found', 'No.').stack).not.toContain('errors.test.ts');
  expect(Error.stackTraceLimit).toBe(limit);
});
