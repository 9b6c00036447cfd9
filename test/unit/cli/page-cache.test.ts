import { afterAll, expect, it } from 'vitest';
import { fillPageCache } from '#functions/cli/bench/page-cache.ts';
import { AppError } from '#shared/core/errors.ts';
import { importDemo } from '#test/helpers/demo-package.ts';

const demo = await importDemo();
afterAll(demo.remove);

it('reads a package, and stops with the reason it is given', async () => {
  await fillPageCache(demo.folder, new AbortController().signal);
  const reason = new AppError('canceled', 'bench was interrupted.');
  await expect(fillPageCache(demo.folder, AbortSignal.abort(reason))).rejects.toBe(reason);
});
