import { equalInConstantTime } from '#shared/core/hash.ts';
import type { JobId } from '#shared/core/ids.ts';

/** A MAC over a job's id and the second, since the Unix epoch, in which its link ends. */
export type StreamMac = (job: JobId, endsAt: number) => string;

/** In base 36, six digits for the next fifty years. */
const TOKEN = /^([0-9a-z]{1,9})\.(.+)$/;

/** The part of a stream's URL that authorises it: when it ends, and the MAC over that. */
export function streamToken(mac: StreamMac, job: JobId, expiresAt: number): string {
  const endsAt = Math.ceil(expiresAt / 1000);
  return `${endsAt.toString(36)}.${mac(job, endsAt)}`;
}

/** Whether a token is ours, compared in constant time, and its time has not come. */
export function judgeStreamToken(
  mac: StreamMac,
  job: JobId,
  token: string,
  now: number,
): 'good' | 'expired' | 'forged' {
  const [, digits = '', given = ''] = TOKEN.exec(token) ?? [];
  const endsAt = Number.parseInt(digits, 36);
  if (!equalInConstantTime(given, mac(job, Number.isNaN(endsAt) ? 0 : endsAt))) return 'forged';
  return now < endsAt * 1000 ? 'good' : 'expired';
}
