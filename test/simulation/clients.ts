import { AppError } from '#shared/core/errors.ts';
import type { JobId } from '#shared/core/ids.ts';
import { isTerminal, type Job, type WebhookEvent } from '#shared/core/job.ts';
import { InjectedFault } from '#test/helpers/faults.ts';
import { HOUR, MINUTE, PRICE, sampleKey } from '#test/helpers/samples.ts';
import { sampleOrder } from '#test/helpers/world.ts';
import { must, mustBe } from './must.ts';
import type { Random } from './random.ts';
import { ACCOUNTS, keyOf, type SimulatedWorld, type Weather } from './worlds/world.ts';

/** Most open jobs of one account in the simulation. */
export const ACCOUNT_QUEUE = 6;
/** Runs of an account that are stopped in an hour by their `Cancel-After`. */
export const STOPS_PER_HOUR = 1;
/** What one of the keys may spend in a day. */
export const DAY_CAP = 12 * PRICE;
/** A little less than the time for which an order without a key can be found again. */
const FOUND_MS = 9 * MINUTE;

interface Intent {
  readonly order: ReturnType<typeof sampleOrder>;
  /** The job that an answer named. */
  job?: JobId;
  /** How often it was asked for. */
  sent: number;
  /** The answer arrived, and the service may not have noted it. */
  unnoted?: boolean;
  /** A request is under way. */
  busy?: boolean;
}

/** Answers that get lost on their way to the client. */
const LOST_ANSWER = 0.15;
const EVENTS: readonly [Events, Events] = [['completed'], ['start', 'logs', 'output', 'completed']];
type Events = readonly WebhookEvent[];
const [FIRST, SECOND, THIRD] = ACCOUNTS as unknown as readonly [Id, Id, Id];
type Id = (typeof ACCOUNTS)[number];

/** Clients that order, lose answers, ask again with the same key or without one, and now and then misuse one. */
export function createClients(world: SimulatedWorld, weather: Weather) {
  const intents: Intent[] = [];
  const erasing = new Set<JobId>();
  const canceled = new Set<JobId>();
  const isKeyed = ({ order }: Intent) => order.idempotency !== undefined;
  /** Whether it was stopped by its `Cancel-After` alone. */
  const isStopped = ({ id, attachBy }: Job) => !canceled.has(id) && attachBy === undefined;
  const holders = (id: JobId) => intents.filter(({ job }) => job === id);

  const like = ({ order }: Intent) =>
    intents.filter((other) => other.order.bodyHash === order.bodyHash);
  /** How often an order of this body was asked for. */
  const sentLike = (intent: Intent) => like(intent).reduce((sum, { sent }) => sum + sent, 0);

  /** Jobs of an order without a key that a repetition can find, if earlier repetitions took none. */
  const unanswered = async (intent: Intent): Promise<readonly JobId[]> => {
    const { order } = intent;
    const since = world.clock.now() - FOUND_MS;
    const jobs = (await world.allJobs()).filter(
      ({ id, bodyHash, key, createdAt }) =>
        bodyHash === order.bodyHash &&
        key === order.key.id &&
        createdAt >= since &&
        holders(id).length === 0,
    );
    const lost = like(intent).reduce((sum, { sent }) => sum + Math.max(0, sent - 1), 0);
    return jobs.length > lost ? jobs.map(({ id }) => id) : [];
  };

  const send = async (intent: Intent, random: Random): Promise<void> => {
    intent.busy = true;
    try {
      await sendOnce(intent, random);
    } finally {
      intent.busy = false;
    }
  };

  const sendOnce = async (intent: Intent, random: Random): Promise<void> => {
    const isRepeated = intent.sent > 0;
    const hasCompany = like(intent).some((other) => other !== intent && other.busy === true);
    const before = [weather.failed, sentLike(intent), world.clock.now()];
    const waiting = isKeyed(intent) || !isRepeated ? [] : await unanswered(intent);
    const order =
      isRepeated && !isKeyed(intent) ? { ...intent.order, retryCount: 1 } : intent.order;
    intent.sent++;
    const { admission, ports } = world.services;
    const result = await admission.submit(order);
    const isAlone = !hasCompany && sentLike(intent) - 1 === before[1];
    const isCalm = weather.failed === before[0] && world.clock.now() === before[2];
    if (waiting.length > 0 && isAlone && isCalm) {
      mustBe(result.outcome, 'replayed', 'a repeated order whose job nobody has');
    }
    if (result.outcome !== 'admitted' && result.outcome !== 'replayed') return;
    const { id, account } = result.job;
    if (random.chance(LOST_ANSWER)) return;
    if (intent.job !== undefined) mustBe(id, intent.job, 'the job of a repeated order');
    const others = holders(id).filter((other) => other !== intent && other.unnoted !== true);
    // A repetition without a key takes the job of a like order whose answer is still on its way.
    if (isKeyed(intent) || isAlone) mustBe(others.length, 0, `other orders that have job ${id}`);
    intent.job = id;
    const open = (await world.allJobs()).filter(
      (job) => job.account === account && !isTerminal(job.status),
    );
    must(open.length <= ACCOUNT_QUEUE, () => `${open.length} open jobs of account ${account}`);
    if (isKeyed(intent)) return;
    intent.unnoted = true;
    await ports.jobs.markAnswered(id);
    delete intent.unnoted;
  };

  return {
    intents,
    /** Every job that an answer named, in the order of the answers. */
    jobs: (): readonly JobId[] => intents.flatMap(({ job }) => (job === undefined ? [] : [job])),

    async order(random: Random): Promise<void> {
      const number = intents.length;
      const account = random.pick([FIRST, FIRST, FIRST, SECOND, SECOND, THIRD]);
      const keyed = random.chance(0.6);
      const body = keyed || random.chance(0.5) ? `b${number}` : `c${account}`;
      const intent: Intent = {
        sent: 0,
        order: sampleOrder({
          images: 1 + random.below(3),
          key: {
            ...sampleKey({ account, id: keyOf(account) }),
            ...(account === FIRST && { dayCap: DAY_CAP as never }),
          },
          bodyHash: body.padStart(64, '0'),
          ...(keyed && { idempotency: { route: 'r', key: String(number) } }),
          ...(random.chance(0.3) && { cancelAfterMs: random.pick([1, 1000, 45_000]) }),
          ...(random.chance(0.2) && { attachWithinMs: 30_000 }),
          ...(random.chance(0.6) && {
            webhook: { url: `https://${account}.example.com/hook`, events: random.pick(EVENTS) },
          }),
        }),
      };
      intents.push(intent);
      await send(intent, random);
    },

    /** Asks again: for an answer that was lost, or, under its key, out of habit. */
    async retry(random: Random): Promise<void> {
      const intent = intents[random.below(intents.length)];
      if (intent === undefined) return;
      const mayAsk = isKeyed(intent) || (intent.job === undefined && intent.busy !== true);
      if (mayAsk) await send(intent, random);
    },

    /** Another order under a key that is taken: never the first one's picture, never a second job. */
    async misuse(random: Random): Promise<void> {
      const intent = intents[random.below(intents.length)];
      if (intent?.job === undefined || !isKeyed(intent)) return;
      const other = { ...intent.order, bodyHash: 'f'.repeat(64) };
      const { outcome } = await world.services.admission.submit(other);
      mustBe(outcome, 'idempotency-mismatch', 'another body under a used key');
    },

    async cancel(id: JobId): Promise<void> {
      canceled.add(id);
      await world.services.settlement.cancelJob(id);
    },

    async erase(id: JobId): Promise<void> {
      erasing.add(id);
      await world.services.settlement.removeJobData(id);
    },

    isErased: (id: JobId): boolean => erasing.has(id),
    wasCanceled: (id: JobId): boolean => canceled.has(id),

    /** Clients whose erasure met an error ask again. */
    async eraseAgain(): Promise<void> {
      for (const id of erasing) await world.services.settlement.removeJobData(id);
    },

    /** What every client may rely on, once all is over. */
    async expectKept(): Promise<void> {
      const found = new Map<string, JobId[]>();
      const stops = new Map<string, number>();
      for (const job of await world.allJobs()) {
        found.set(job.bodyHash, [...(found.get(job.bodyHash) ?? []), job.id]);
        if (job.cancelRequestedAt !== undefined && isStopped(job)) {
          const hour = `${job.account} ${Math.floor(job.cancelRequestedAt / HOUR)}`;
          stops.set(hour, (stops.get(hour) ?? 0) + 1);
        }
        if (job.status !== 'canceled' || canceled.has(job.id)) continue;
        const mayEnd = job.cancelAtDeadline === true || job.attachBy !== undefined;
        must(mayEnd, `job ${job.id} was cancelled, and nobody asked for it`);
      }
      for (const [hour, count] of stops) {
        must(count <= STOPS_PER_HOUR, () => `${count} runs stopped by Cancel-After in ${hour}`);
      }
      for (const intent of intents) {
        const jobs = found.get(intent.order.bodyHash) ?? [];
        if (intent.job !== undefined)
          must(jobs.includes(intent.job), 'the job of an answer is there');
        if (isKeyed(intent)) {
          must(jobs.length <= 1, () => `${jobs.length} jobs of one order: ${jobs.join(', ')}`);
          continue;
        }
        must(jobs.length <= sentLike(intent), 'more jobs than orders');
      }
    },
  };
}

export type Clients = ReturnType<typeof createClients>;

/** Runs a step as a process would: an injected failure ends it, as does its death, and the rest goes on. */
export async function attempt(step: () => Promise<unknown>): Promise<void> {
  try {
    await step();
  } catch (error) {
    if (!isInjected(error)) throw error;
  }
}

/** A call that was failed on purpose, or one under way when the process died. */
export function isInjected(error: unknown): boolean {
  const hasDied =
    error instanceof AppError && error.message.startsWith('The data folder is closed');
  return hasDied || error instanceof InjectedFault;
}
