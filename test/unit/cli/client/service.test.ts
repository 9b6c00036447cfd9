import { describe, expect, it } from 'vitest';
import type { Status } from '#functions/api/operations/status-schema.ts';
import { followStream } from '#functions/cli/client/follow-stream.ts';
import { statusScreen } from '#functions/cli/client/status-screen.ts';
import { formatTable, oneLine } from '#functions/cli/client/table.ts';
import { usageTable } from '#functions/cli/commands/usage.ts';
import { nextSteps } from '#functions/cli/next-steps.ts';

describe('formatTable', () => {
  it('lines columns up', () => {
    expect(formatTable(['a', '>n'], [['long', '7']])).toBe('a     n\nlong  7\n');
  });
});

describe('oneLine', () => {
  it('lets nothing through that a terminal obeys', () => {
    expect(oneLine('a\u001b[2Jb\r\nc\u202ed\u009b1m', 80)).toBe('a [2Jb c d 1m');
  });
  it('cuts between letters, not inside one', () => {
    expect(oneLine('🏠🏠🏠', 2)).toBe('🏠…');
  });
});

describe('usageTable', () => {
  const facts = { from: '2026-11-01T00:00:00Z', to: '2026-11-24T10:00:00Z', by: ['day', 'model'] };
  const none = { jobs: 0, images: 0, amount: 0 };

  it('shows rows and their total', () => {
    const sums = { jobs: 2, images: 3, amount: 12_000 };
    const row = { group: { day: '2026-11-23', model: '' }, ...sums };
    expect(usageTable({ ...facts, rows: [row], total: sums })).toBe(
      'day         model  jobs  images  charged\n' +
        '2026-11-23  –         2       3   $0.012\n' +
        'total                 2       3   $0.012\n',
    );
  });

  it('says that there is nothing', () => {
    expect(usageTable({ ...facts, rows: [], total: none })).toBe(
      'Nothing was charged from 2026-11-01 to 2026-11-24.\n',
    );
  });
});

describe('statusScreen', () => {
  const sums = { charged: 6, released: 1, images: 7, amount: 19_000 };
  const status = {
    at: '2026-11-23T21:17:05.942Z',
    waiting: 180,
    running: 2,
    balance: 9_200_000,
    held: 728_000,
    models: [{ name: 'onestep/demo', phase: 'queued', running: 2, eta_seconds: 78 }],
    last_minute: sums,
    today: sums,
    stage_ms: { queue: 7988.8, load: 0, unet: 62.7 },
    failures: [
      {
        id: 'x',
        at: '2026-11-23T21:16:05.942Z',
        model: 'onestep/demo',
        code: 'model_error',
        message: 'broke\u001b[31m',
      },
    ],
  } satisfies Status;

  it('tells queue, rate, money, phases, models and failures', () => {
    expect(statusScreen(status, 'http://here', 100)).toBe(
      [
        'Onestep at http://here   2026-11-23 21:17:05 UTC',
        '',
        'Queue    180 waiting, 2 running',
        'Rate     7 images in the last minute, $0.019',
        'Today    7 images in 6 jobs, $0.019 charged, 1 job for nothing',
        'Money    $9.20 to spend, $0.728 held',
        'Phases   queue 8.0 s, unet 63 ms',
        '',
        'model         phase  running  next in',
        'onestep/demo  ready        2     78 s',
        '',
        'Failures of the last ten minutes:',
        '  21:16:05  x  model_error: broke [31m',
        '',
      ].join('\n'),
    );
  });

  it('keeps within the width of the terminal', () => {
    const screen = statusScreen(status, 'http://here', 30);
    expect(Math.max(...screen.split('\n').map((line) => [...line].length))).toBe(30);
    // The money is not cut off: it goes on in the next line.
    expect(screen).toContain(
      'Today    7 images in 6 jobs,\n         $0.019 charged,\n         1 job for nothing\n',
    );
  });
});

describe('followStream', () => {
  const events = (...texts: string[]) => new Response(texts.join(''));

  it('goes on after the last event when the stream breaks off', async () => {
    const asked: (string | null)[] = [];
    const answers = [
      () => events('id: 100\nevent: logs\ndata: Using seed: 5\n\n', ': still here\n\nid: 101\nev'),
      () => Promise.reject(new TypeError('fetch failed')),
      () => events('id: 301\nevent: done\ndata: {}\n\n', 'event: logs\ndata: late\n\n'),
    ];
    const send = (async (_: unknown, init?: RequestInit) => {
      asked.push(new Headers(init?.headers).get('last-event-id'));
      return answers[asked.length - 1]?.();
    }) as typeof fetch;
    const seen = [];
    for await (const event of followStream('http://s', new AbortController().signal, send)) {
      seen.push(event);
    }
    expect(seen).toEqual([
      { event: 'logs', data: 'Using seed: 5' },
      { event: 'done', data: '{}' },
    ]);
    expect(asked).toEqual([null, '100', '100']);
  });

  it('does not ask again for a stream that is not there', async () => {
    const send = async () => new Response('', { status: 404 });
    const following = followStream('http://s', new AbortController().signal, send).next();
    await expect(following).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('nextSteps', () => {
  const commands = (situation: Parameters<typeof nextSteps>[0]) =>
    nextSteps(situation).map(([command]) => command.split(' ')[1]);
  const models = [{ name: 'acme/tiny', folder: '/data/models/tiny', description: '' }];

  it('begins with the server', () => {
    const situation = { url: undefined, hasData: false, models: [] };
    expect(commands(situation)).toEqual(['start', 'generate', 'import', 'cost']);
  });
  it('looks after a server that runs', () => {
    const situation = { url: 'http://here', hasData: true, models: [] };
    expect(commands(situation)).toEqual(['top', 'logs', 'keys', 'usage', 'import', 'cost']);
  });
  it('goes on from an imported model to AWS', () => {
    const situation = { url: undefined, hasData: true, models };
    expect(commands(situation)).toEqual(['start', 'generate', 'doctor', 'preflight']);
  });
});
