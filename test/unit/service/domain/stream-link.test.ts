import { expect, it } from 'vitest';
import { hmacSha256 } from '#shared/core/hash.ts';
import type { JobId } from '#shared/core/ids.ts';
import {
  judgeStreamToken,
  type StreamMac,
  streamToken,
} from '#shared/service/domain/stream-link.ts';

const NOW = Date.UTC(2026, 10, 27);
const job = '01kb1xk8v7m000000000000000' as JobId;
const mac: StreamMac = (id, endsAt) =>
  hmacSha256(new Uint8Array(32), `${id}\n${endsAt}`).toString('base64url').slice(0, 22);

it('is good until its time has come, for its own job, and with its own end alone', () => {
  const token = streamToken(mac, job, NOW + 60_000);
  expect(judgeStreamToken(mac, job, token, NOW)).toBe('good');
  expect(judgeStreamToken(mac, job, token, NOW + 59_999)).toBe('good');
  expect(judgeStreamToken(mac, job, token, NOW + 60_000)).toBe('expired');
  const other = '01kb1xk8v7m000000000000001' as JobId;
  expect(judgeStreamToken(mac, other, token, NOW)).toBe('forged');
  const [, secret = ''] = token.split('.');
  const later = ((NOW + 3_600_000) / 1000).toString(36);
  for (const forged of [
    `${later}.${secret}`,
    secret,
    '',
    '.',
    `zzzzzzzzz.${secret}`,
    `${token}x`,
  ]) {
    expect(judgeStreamToken(mac, job, forged, NOW)).toBe('forged');
  }
});

it('is compared as bytes, in constant time', () => {
  // `===`, which ends at the first letter that is wrong, takes no object for a text.
  const boxed: StreamMac = (id, endsAt) => Object(mac(id, endsAt));
  const token = streamToken(mac, job, NOW + 60_000);
  expect(judgeStreamToken(boxed, job, token, NOW)).toBe('good');
});
