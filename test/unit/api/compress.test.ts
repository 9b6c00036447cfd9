import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { compressText } from '#functions/api/http/compress.ts';

const LONG = JSON.stringify(Array.from({ length: 200 }, (_, i) => ({ number: i, name: 'héron' })));

describe('the text of an answer', () => {
  it.each(['gzip', 'deflate, gzip;q=0.5, br', '*', 'GZIP', 'gzip;q=1.0,*;q=0'])(
    'is compressed for a client that takes %s',
    (accepted) => {
      const headers = {};
      const sent = compressText(accepted, LONG, headers);
      expect(headers).toEqual({ vary: 'accept-encoding', 'content-encoding': 'gzip' });
      expect(gunzipSync(sent).toString()).toBe(LONG);
      expect(sent.length).toBeLessThan(LONG.length / 4);
    },
  );

  it.each([null, '', 'identity', 'br', 'gzip;q=0', '*;q=0', 'gzip;q=0, *'])(
    'is as it was for one that takes %s',
    (accepted) => {
      const headers = {};
      expect(compressText(accepted, LONG, headers)).toBe(LONG);
      expect(headers).toEqual({ vary: 'accept-encoding' });
    },
  );

  it('is as it was where it is short', () => {
    const headers = {};
    expect(compressText('gzip', '{"status":"ok"}', headers)).toBe('{"status":"ok"}');
    expect(headers).toEqual({});
  });
});
