import { validateWebhook } from 'replicate';
import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { signStandardWebhook } from '#shared/adapters/http/standard-webhooks.ts';
import type { Job, WebhookEvent } from '#shared/core/job.ts';
import { entryIdsOf, eventEntries } from '#shared/service/domain/job-events.ts';
import {
  type DeliveryDeps,
  deliverEntry,
  HIDE_MS,
  inOrderByJob,
  type SendOutcome,
} from '#shared/service/domain/webhooks/deliver.ts';
import { endEntries, planLogs } from '#shared/service/domain/webhooks/events.ts';
import { enableEndpoint } from '#shared/service/domain/webhooks/health.ts';
import { resendWebhook } from '#shared/service/domain/webhooks/resend.ts';
import { rotateWebhookSecret, webhookSecrets } from '#shared/service/domain/webhooks/secrets.ts';
import { createMemoryOutbox } from '#test/helpers/memory-outbox.ts';
import { ACCOUNT, START, URL_A, webhookJob } from './fixture.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

interface Sent {
  readonly at: number;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A deployment with one job, a clock to turn and a receiver to program. */
function createScene(job: Job) {
  const outbox = createMemoryOutbox();
  const sent: Sent[] = [];
  let now = START;
  let byte = 0;
  let receiver: (request: Sent) => SendOutcome = () => answer(204);
  const deps: DeliveryDeps = {
    outbox,
    jobs: { get: async (id) => (id === job.id ? job : undefined) },
    clock: { now: () => now },
    randomBytes: (length) => Uint8Array.from({ length }, () => byte++ % 256),
    sign: signStandardWebhook,
    render: async ({ id, status, cost }) => ({ id, status, cost: cost ?? null }),
    send: async (url, { headers, body }) => {
      const request = { at: now, url, headers, body };
      sent.push(request);
      return receiver(request);
    },
  };
  const deliver = async () => {
    const due = await outbox.claimDue(now, now + HIDE_MS, 50);
    for (const ofJob of inOrderByJob(due))
      for (const entry of ofJob) await deliverEntry(deps, entry);
  };
  return {
    deps,
    outbox,
    sent,
    deliver,
    add: async (event: WebhookEvent) => {
      for (const entry of eventEntries(job, event, now)) await outbox.add(entry);
    },
    answerWith: (next: typeof receiver) => {
      receiver = next;
    },
    /** Turns the clock on, looking for due webhooks every `stepMs`. */
    live: async (durationMs: number, stepMs = MINUTE) => {
      for (const end = now + durationMs; now < end; now += stepMs) {
        vi.setSystemTime(now);
        await deliver();
      }
    },
    now: () => now,
  };
}

function answer(status: number, headers: Record<string, string> = {}): SendOutcome {
  return { kind: 'answered', status, headers };
}

const down: SendOutcome = { kind: 'failed', failure: 'connection-failed' };

// `standardwebhooks` compares timestamps with the real clock.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: START });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a webhook that arrives', () => {
  it('is the prediction, signed so that both stock verifiers accept it', async () => {
    const scene = createScene(webhookJob(['completed']));
    await scene.add('completed');
    await scene.deliver();
    const [request] = scene.sent;
    const [secret] = await webhookSecrets(scene.deps, ACCOUNT, scene.now());
    expect(request?.url).toBe(URL_A);
    expect(request?.headers['webhook-event']).toBe('completed');
    expect(new Webhook(secret ?? '').verify(request?.body ?? '', { ...request?.headers })).toEqual({
      id: webhookJob([]).id,
      status: 'succeeded',
      cost: 2000,
    });
    expect(
      await validateWebhook({
        id: request?.headers['webhook-id'] ?? '',
        timestamp: request?.headers['webhook-timestamp'] ?? '',
        signature: request?.headers['webhook-signature'] ?? '',
        body: request?.body ?? '',
        secret: secret ?? '',
      }),
    ).toBe(true);
    expect(() =>
      new Webhook(secret ?? '').verify(`${request?.body} `, { ...request?.headers }),
    ).toThrow('No matching signature');
  });

  it('is sent once and recorded', async () => {
    const scene = createScene(webhookJob(['completed']));
    await scene.add('completed');
    await scene.add('completed');
    await scene.live(HOUR);
    expect(scene.sent).toHaveLength(1);
    const [entry] = await scene.outbox.listByAccount(ACCOUNT, 10);
    expect(entry?.deliveredAt).toBe(START);
    expect(await scene.outbox.attempts(entry?.id ?? '')).toEqual([
      { entry: entry?.id, number: 1, at: START, durationMs: 0, status: 204 },
    ]);
  });

  it('tells of the start as it was, even when the job has ended since', async () => {
    const scene = createScene(webhookJob(['start']));
    await scene.add('start');
    await scene.deliver();
    expect(JSON.parse(scene.sent[0]?.body ?? '')).toMatchObject({
      status: 'processing',
      cost: null,
    });
  });
});

describe('a receiver that fails', () => {
  it('gets the webhook after a day of being down, under the same id', async () => {
    const scene = createScene(webhookJob(['completed']));
    await scene.add('completed');
    scene.answerWith(() => down);
    await scene.live(DAY);
    const duringOutage = scene.sent.length;
    scene.answerWith(() => answer(200));
    await scene.live(DAY);
    expect(duringOutage).toBeGreaterThanOrEqual(6);
    expect(scene.sent).toHaveLength(duringOutage + 1);
    expect(new Set(scene.sent.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    expect(new Set(scene.sent.map(({ headers }) => headers['webhook-timestamp'])).size).toBe(
      scene.sent.length,
    );
    const [entry] = await scene.outbox.listByAccount(ACCOUNT, 10);
    expect(entry?.deliveredAt).toBeGreaterThanOrEqual(START + DAY);
    expect(await scene.outbox.listHealth(ACCOUNT)).toEqual([{ url: URL_A }]);
  });

  it('gets ten attempts over more than three days and no more', async () => {
    const scene = createScene(webhookJob(['completed']));
    await scene.add('completed');
    scene.answerWith(() => answer(500));
    await scene.live(6 * DAY);
    expect(scene.sent).toHaveLength(10);
    expect((scene.sent[9]?.at ?? 0) - START).toBeGreaterThan(3 * DAY);
    const [entry] = await scene.outbox.listByAccount(ACCOUNT, 10);
    expect(entry?.abandonedAt).toBeDefined();
    expect(entry?.nextAttemptAt).toBeUndefined();
  });

  it.each([
    ['seconds', '7200', 2 * HOUR],
    ['a date', new Date(START + 3 * HOUR).toUTCString(), 3 * HOUR],
  ])('is not called before its Retry-After in %s', async (_form, retryAfter, expectedMs) => {
    const scene = createScene(webhookJob(['completed']));
    await scene.add('completed');
    scene.answerWith(({ at }) =>
      at === START ? answer(429, { 'retry-after': retryAfter }) : answer(200),
    );
    await scene.live(DAY);
    expect(scene.sent).toHaveLength(2);
    expect(scene.sent[1]?.at).toBeGreaterThanOrEqual(START + expectedMs);
  });

  it('is disabled by 410, and then gets nothing until it is enabled', async () => {
    const scene = createScene(webhookJob(['completed', 'start']));
    await scene.add('completed');
    scene.answerWith(() => answer(410));
    await scene.deliver();
    await scene.add('start');
    await scene.live(HOUR);
    expect(scene.sent).toHaveLength(1);
    expect(await scene.outbox.listHealth(ACCOUNT)).toMatchObject([{ disabledReason: 'gone' }]);
    const id = scene.sent[0]?.headers['webhook-id'] ?? '';
    await expect(resendWebhook(scene.deps, ACCOUNT, id)).rejects.toThrow('is disabled');
    await enableEndpoint(scene.deps, ACCOUNT, URL_A);
    scene.answerWith(() => answer(200));
    await resendWebhook(scene.deps, ACCOUNT, id);
    await scene.deliver();
    expect(scene.sent[1]?.headers['webhook-id']).toBe(id);
  });

  it('is not sent again once its prediction is erased, and its address with it', async () => {
    const scene = createScene(webhookJob(['completed']));
    await scene.outbox.add({
      ...{ id: 'msg_erased', account: ACCOUNT, event: 'completed', url: '' },
      ...{ createdAt: START, attempts: 1, deliveredAt: START },
    });
    await expect(resendWebhook(scene.deps, ACCOUNT, 'msg_erased')).rejects.toThrow('was erased');
  });

  it('is not known for a test, whatever it answers', async () => {
    const scene = createScene(webhookJob(['completed']));
    scene.answerWith(() => answer(410));
    await scene.outbox.add({
      ...{ id: 'evt_test', account: ACCOUNT, event: 'test', url: URL_A, body: '{}' },
      ...{ createdAt: START, nextAttemptAt: START, attempts: 0 },
    });
    await scene.deliver();
    expect(scene.sent).toHaveLength(1);
    expect(await scene.outbox.listHealth(ACCOUNT)).toEqual([]);
    expect(await scene.outbox.get('evt_test')).toMatchObject({ abandonedAt: START });
  });

  it('is disabled after five days without one success', async () => {
    const scene = createScene(webhookJob(['completed']));
    scene.answerWith(() => answer(503));
    await scene.add('completed');
    await scene.live(4 * DAY, HOUR);
    expect(await scene.outbox.listHealth(ACCOUNT)).toMatchObject([{ failingSince: START }]);
    const [old] = await scene.outbox.listByAccount(ACCOUNT, 1);
    await scene.outbox.requeue(old?.id ?? '', START + 5 * DAY);
    await scene.live(2 * DAY, HOUR);
    expect(await scene.outbox.listHealth(ACCOUNT)).toMatchObject([{ disabledReason: 'failing' }]);
  });

  it.each([301, 302, 307, 400, 404, 500])('counts %i as a failure', async (status) => {
    const scene = createScene(webhookJob(['completed']));
    await scene.add('completed');
    scene.answerWith(() => answer(status));
    await scene.deliver();
    const [entry] = await scene.outbox.listByAccount(ACCOUNT, 1);
    const [attempt] = await scene.outbox.attempts(entry?.id ?? '');
    expect(attempt).toMatchObject({ status, failure: status < 400 ? 'redirect' : 'http-error' });
    expect(entry?.nextAttemptAt).toBeGreaterThan(START);
  });
});

describe('events', () => {
  it('come only when the filter names them', async () => {
    const scene = createScene(webhookJob(['completed']));
    await scene.add('start');
    await scene.add('output');
    await scene.add('completed');
    await scene.deliver();
    expect(scene.sent.map(({ headers }) => headers['webhook-id'])).toEqual([
      `msg_${webhookJob([]).id}_completed`,
    ]);
  });

  it.each(['start', 'logs', 'output'] as const)(
    'never say with %s that it has ended',
    async (event) => {
      const scene = createScene(webhookJob([event]));
      await scene.add(event);
      await scene.deliver();
      expect(JSON.parse(scene.sent[0]?.body ?? '')).toMatchObject({
        status: 'processing',
        cost: null,
      });
    },
  );

  it('other than "completed" are tried once', async () => {
    const scene = createScene(webhookJob(['start']));
    await scene.add('start');
    scene.answerWith(() => down);
    await scene.live(DAY);
    expect(scene.sent).toHaveLength(1);
  });

  it('of progress come at most once in half a second, and the last change is always told', () => {
    const input = { num_outputs: 5 } as Job['input'];
    let job = webhookJob(['logs'], { status: 'processing', attempts: 3, refusals: 1, input });
    const [due, ids]: [number[], string[]] = [[], []];
    for (const [imagesDone, at] of [0, 100, 499, 700, 1_900, 2_000].entries()) {
      const { toldAt, entries } = planLogs(job, START + at, imagesDone);
      due.push(...entries.map(({ nextAttemptAt }) => (nextAttemptAt ?? 0) - START));
      ids.push(...entries.map(({ id }) => id));
      job = { ...job, progress: { imagesDone, toldAt } };
    }
    expect(due).toEqual([0, 500, 1_000, 1_900, 2_400]);
    ids.push(...endEntries(job, true, START + 9_000).map(({ id }) => id));
    expect(new Set(ids).size).toBe(6);
    expect(entryIdsOf(job)).toEqual(expect.arrayContaining(ids));
  });

  it('of the end are told at once, but for logs that "completed" would overtake', () => {
    const progress = { imagesDone: 1, toldAt: START };
    const told = (events: readonly WebhookEvent[], at: number) =>
      endEntries(webhookJob(events, { progress }), true, START + at).map(
        ({ event, nextAttemptAt }) => [event, (nextAttemptAt ?? 0) - START],
      );
    const all = ['start', 'output', 'logs', 'completed'] as const;
    expect(told(all, 600)).toEqual([
      ['output', 600],
      ['logs', 600],
      ['completed', 600],
    ]);
    expect(told(all, 100)).toEqual([
      ['output', 100],
      ['completed', 100],
    ]);
    expect(told(['logs'], 100)).toEqual([['logs', 500]]);
  });

  it('of logs that waited until after the end are dropped where "completed" has told as much', async () => {
    const sentOf = async (events: readonly WebhookEvent[]) => {
      const scene = createScene(webhookJob(events, { completedAt: START + 20 }));
      const running = webhookJob(events, { progress: { imagesDone: 1, toldAt: START } });
      for (const entry of planLogs(running, START + 10, 1).entries) await scene.outbox.add(entry);
      await scene.live(MINUTE, 100);
      const [entry] = await scene.outbox.listByAccount(ACCOUNT, 1);
      return { sent: scene.sent.length, attempts: await scene.outbox.attempts(entry?.id ?? '') };
    };
    expect(await sentOf(['logs'])).toMatchObject({ sent: 1, attempts: [{ status: 204 }] });
    expect(await sentOf(['logs', 'completed'])).toMatchObject({
      sent: 0,
      attempts: [{ failure: 'overtaken' }],
    });
  });
});

describe('secrets', () => {
  it('overlap while they rotate: both sign, then the new one alone', async () => {
    const scene = createScene(webhookJob(['completed', 'start', 'output']));
    const [old = ''] = await webhookSecrets(scene.deps, ACCOUNT, START);
    const fresh = await rotateWebhookSecret(scene.deps, ACCOUNT, { now: START, overlapMs: DAY });
    await scene.add('completed');
    await scene.live(HOUR);
    const during = scene.sent[0];
    vi.setSystemTime(START);
    for (const secret of [old, fresh]) {
      expect(() =>
        new Webhook(secret).verify(during?.body ?? '', { ...during?.headers }),
      ).not.toThrow();
    }
    await scene.live(DAY, HOUR);
    await scene.add('output');
    await scene.deliver();
    const after = scene.sent[1];
    vi.setSystemTime(after?.at ?? 0);
    expect(() => new Webhook(fresh).verify(after?.body ?? '', { ...after?.headers })).not.toThrow();
    expect(() => new Webhook(old).verify(after?.body ?? '', { ...after?.headers })).toThrow();
  });

  it('are standard base64 of 32 bytes and stay the same', async () => {
    const scene = createScene(webhookJob([]));
    const [first] = await webhookSecrets(scene.deps, ACCOUNT, START);
    expect(first).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(await webhookSecrets(scene.deps, ACCOUNT, START + DAY)).toEqual([first]);
  });

  it('are made once when two ask at the same time', async () => {
    const scene = createScene(webhookJob([]));
    const [a, b] = await Promise.all([
      webhookSecrets(scene.deps, ACCOUNT, START),
      webhookSecrets(scene.deps, ACCOUNT, START),
    ]);
    expect(a).toEqual(b);
  });
});
