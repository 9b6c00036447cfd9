import { expect, it } from 'vitest';
import { createServerLog } from '#functions/local/server-log.ts';
import { AppError } from '#shared/core/errors.ts';

it('says what happened and to whom, but no prompt, key or signed URL', () => {
  const lines: string[] = [];
  const log = createServerLog('info', { write: (line) => lines.push(line) });
  const secret = 'os_live_secret';
  const cause = Object.assign(new Error('refused'), {
    input: { prompt: 'a private prompt' },
    headers: { authorization: secret },
    url: 'https://files.example.com/?s=secret',
  });
  log.error({ err: new AppError('unavailable', 'no answer', { cause }) }, 'request req_1');
  log.info(
    { requestId: 'req_2', status: 201, job: 'job_1', prompt: 'a private prompt' },
    'request',
  );
  log.info({ request: { headers: { authorization: secret } } }, 'request');
  expect(lines).toHaveLength(3);
  const text = lines.join('');
  for (const hidden of ['private prompt', secret, '?s=secret']) expect(text).not.toContain(hidden);
  expect(text).toContain('req_1');
  expect(JSON.parse(lines[1] ?? '')).toMatchObject({
    requestId: 'req_2',
    job: 'job_1',
    status: 201,
  });
});
