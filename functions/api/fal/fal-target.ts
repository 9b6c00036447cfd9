import { AppError } from '#shared/core/errors.ts';

/** What a call of fal's client refers to. */
export interface FalTarget {
  /** For its queue API; false for the one that answers with the images. */
  readonly queued: boolean;
  /** `owner/name`. */
  readonly model: string;
  /** Absent when a request is being submitted. */
  readonly request?: { readonly id: string; readonly action: string };
  readonly query: URLSearchParams;
}

const QUEUE_HOST = 'queue.fal.run';
const SYNC_HOST = 'fal.run';

/**
 * The target that fal's client names in `x-fal-target-url` when it talks to a proxy. It is read, never
 * called.
 *
 * @throws AppError `invalid-request` when it is not one of fal's hosts
 */
export function parseFalTarget(header: string | undefined): FalTarget {
  const url = header !== undefined && URL.canParse(header) ? new URL(header) : undefined;
  if (url === undefined || ![QUEUE_HOST, SYNC_HOST].includes(url.hostname)) {
    throw new AppError(
      'invalid-request',
      `x-fal-target-url must be a URL of ${SYNC_HOST} or ${QUEUE_HOST}.`,
      { details: { param: 'x-fal-target-url' } },
    );
  }
  return parseFalPath(url.hostname === QUEUE_HOST, url.pathname.slice(1), url.searchParams);
}

/** `owner/name[/…]` submits; `owner/name/requests/<id>[/status[/stream] | /cancel]` asks. */
export function parseFalPath(queued: boolean, path: string, query: URLSearchParams): FalTarget {
  const [owner = '', name = '', kind, id, ...action] = path
    .split('/')
    .filter((part) => part !== '');
  const model = `${owner}/${name}`;
  if (!queued || kind !== 'requests' || id === undefined) return { queued, model, query };
  return { queued, model, request: { id, action: action.join('/') || 'result' }, query };
}
