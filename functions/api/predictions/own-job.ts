import { callerOf } from '#functions/api/http/authenticate.ts';
import type { ApiContext } from '#functions/api/http/context.ts';
import type { ApiDeps } from '#functions/api/http/deps.ts';
import { notFound } from '#functions/api/http/errors.ts';
import { isUlid, type JobId } from '#shared/core/ids.ts';
import type { Job } from '#shared/core/job.ts';

/**
 * The caller's job of this id.
 *
 * @param what what the caller calls it, for the message
 * @throws AppError `not-found`, for another account's job and for one that never existed alike
 */
export async function ownJob(
  c: ApiContext,
  deps: { readonly jobs: Pick<ApiDeps['jobs'], 'get'> },
  id: string,
  what = 'prediction',
): Promise<Job> {
  const job = isUlid(id) ? await deps.jobs.get(id as JobId) : undefined;
  if (job?.account !== callerOf(c).account.id) throw notFound(what, id);
  return job;
}
