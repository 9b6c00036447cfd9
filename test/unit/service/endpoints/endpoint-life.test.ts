import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createEndpointLife,
  expectedWakeMs,
  FIRST_WAKE_MS,
} from '#shared/service/domain/endpoints/endpoint-life.ts';
import { parseWarmSchedule } from '#shared/service/domain/endpoints/warm-schedule.ts';
import { createFakeEndpoint, ENDPOINT, type Turn } from '#test/helpers/fake-endpoint.ts';

const MODEL = 'onestep/demo';
const MINUTE = 60_000;
const IDLE_MS = 5 * MINUTE;

function setUp(options: { turn?: Turn; idleMs?: number | undefined; warm?: string } = {}) {
  const fake = createFakeEndpoint(options.turn);
  const clock = { time: Date.UTC(2026, 10, 26, 12), now: () => clock.time };
  const orders = { open: 0 };
  const idle = 'idleMs' in options ? options.idleMs : IDLE_MS;
  const createLife = () =>
    createEndpointLife({
      endpoints: [
        {
          model: MODEL,
          endpoint: ENDPOINT,
          ...(idle === undefined ? {} : { idleMs: idle }),
          ...(options.warm === undefined ? {} : { warm: parseWarmSchedule(options.warm) }),
        },
      ],
      rows: fake.rows,
      control: fake.control,
      async hasOpen() {
        await options.turn?.('look for orders');
        return orders.open > 0;
      },
      clock,
    });
  /** The sweep's. */
  const life = createLife();
  /** Those of API instances: each order comes to the next one. */
  const apis = [createLife(), createLife()];
  let next = 0;
  /** An order is admitted, and then looked after. */
  const admit = async () => {
    await options.turn?.('admit');
    orders.open += 1;
    next = (next + 1) % apis.length;
    await apis[next]?.wake(MODEL);
  };
  /** Minutes pass, and the sweep looks in each of them. */
  const pass = async (minutes: number) => {
    for (let minute = 0; minute < minutes; minute += 1) {
      clock.time += MINUTE;
      fake.settle();
      await life.tend(MODEL);
    }
  };
  return { ...fake, life, clock, orders, admit, pass, sweeps: { running: false } };
}

describe('an endpoint', () => {
  it('sleeps after its idle time, and wakes with the first order', async () => {
    const { pass, state, row, admit } = setUp();
    await pass(5);
    expect([state.desired, row()?.state]).toEqual([1, 'awake']);
    await pass(2);
    expect([state.desired, row()?.state]).toEqual([0, 'asleep']);
    await pass(1);
    await admit();
    expect([state.desired, row()?.state]).toEqual([1, 'waking']);
    // Its minimum goes back once it runs, so that it can sleep again.
    await pass(1);
    expect([state.min, row()?.state]).toEqual([0, 'awake']);
  });

  it('stays while there is an order', async () => {
    const { pass, state, admit } = setUp();
    await admit();
    await pass(60);
    expect(state.desired).toBe(1);
  });

  it('is woken by the sweep when the one who admitted an order could not', async () => {
    const { pass, state, orders } = setUp();
    await pass(10);
    orders.open = 1;
    await pass(1);
    expect(state.desired).toBe(1);
  });

  it('learns what its wakes take, and stays idle for as long', async () => {
    const { pass, row, admit, orders, state, life, clock } = setUp({ idleMs: undefined });
    await pass(8);
    expect(row()?.state).toBe('asleep');
    await admit();
    for (let minute = 0; minute < 9; minute += 1) {
      clock.time += MINUTE;
      await life.tend(MODEL);
    }
    await pass(1);
    expect(row()?.wakes).toEqual([10 * MINUTE]);
    orders.open = 0;
    await pass(9);
    expect(state.desired).toBe(1);
    await pass(2);
    expect(state.desired).toBe(0);
  });

  it('expects the median of the last wakes', () => {
    expect(expectedWakeMs(undefined)).toBe(FIRST_WAKE_MS);
    expect(expectedWakeMs({ wakes: [9, 1, 5] })).toBe(5);
  });

  it('is tried again when it is being updated', async () => {
    const { pass, state, row, life, clock } = setUp();
    await pass(1);
    state.desired = 2;
    clock.time += IDLE_MS;
    await life.tend(MODEL);
    expect(row()?.state).toBe('awake');
    state.desired = 1;
    await pass(1);
    expect(row()?.state).toBe('asleep');
  });

  it('is kept warm for as long as an operator wants it', async () => {
    const { pass, state, life } = setUp();
    await pass(10);
    expect(await life.warm(MODEL, 20 * MINUTE)).toMatchObject({
      state: 'waking',
      readyInMs: FIRST_WAKE_MS,
    });
    await pass(19);
    expect([state.desired, state.min]).toEqual([1, 1]);
    await pass(7);
    expect([state.desired, state.min]).toEqual([0, 0]);
  });

  it('is kept warm by its schedule', async () => {
    const { pass, state } = setUp({ warm: 'Thu 13:00-14:00 Europe/London' });
    await pass(30);
    expect(state.desired).toBe(0);
    await pass(31);
    expect(state.desired).toBe(1);
    await pass(55);
    expect(state.desired).toBe(1);
    await pass(12);
    expect(state.desired).toBe(0);
  });

  it('does not wake while everything is paused, and does after', async () => {
    const { pass, state, admit, pause, resume, life } = setUp();
    await pass(10);
    pause();
    await admit();
    await pass(5);
    expect([state.desired, state.min]).toEqual([0, 0]);
    await expect(life.warm(MODEL, MINUTE)).rejects.toMatchObject({ code: 'unavailable' });
    resume();
    await pass(1);
    expect(state.desired).toBe(1);
  });
});

type World = ReturnType<typeof setUp>;

/** Things that happen to an endpoint at one time; what is returned runs on beside the others. */
const EVENTS = {
  admit: ({ admit }: World) => admit(),
  // The sweep runs one at a time.
  tend: ({ life, sweeps }: World) => {
    if (sweeps.running) return undefined;
    sweeps.running = true;
    return life.tend(MODEL).finally(() => {
      sweeps.running = false;
    });
  },
  finish: ({ orders }: World) => {
    orders.open = Math.max(0, orders.open - 1);
  },
  pause: ({ pause }: World) => pause(),
  resume: ({ resume }: World) => resume(),
  settle: ({ settle }: World) => settle(),
  idle: ({ clock }: World) => {
    clock.time += IDLE_MS;
  },
};
type EventName = keyof typeof EVENTS;

/** A world whose calls wait for the scheduler's word while it is not free. */
function createScheduledWorld(scheduler: fc.Scheduler) {
  const gate = { isFree: true };
  const world = setUp({
    turn: (call) => (gate.isFree ? Promise.resolve() : scheduler.schedule(Promise.resolve(), call)),
  });
  return { world, gate };
}

/** Lets things happen in an interleaving of the scheduler's; a pause holds at each step. */
async function interleave(
  scheduler: fc.Scheduler,
  world: World,
  events: readonly EventName[],
): Promise<void> {
  const running: Promise<unknown>[] = [];
  for (const event of events) {
    running.push(Promise.resolve(EVENTS[event](world)));
    if (scheduler.count() > 0) await scheduler.waitOne();
    expect(world.state.max === 0 && world.state.desired > 0).toBe(false);
  }
  await scheduler.waitFor(Promise.all(running));
}

/** What holds in the end, whatever happened. */
async function expectOrder({ state, orders, row, pass, resume, admit }: World): Promise<void> {
  if (state.max === 0) {
    await pass(3);
    expect(state.desired).toBe(0);
    resume();
  }
  await pass(3);
  if (orders.open > 0) expect(state.current).toBe(1);
  orders.open = 0;
  await pass(9);
  expect([state.current, row()?.state]).toEqual([0, 'asleep']);
  await admit();
  expect(state.desired).toBe(1);
}

describe('whatever happens at one time', () => {
  it('an open order ends up with an instance, an idle endpoint without, and a pause beats both', async () => {
    const names = Object.keys(EVENTS) as EventName[];
    const events = fc.array(fc.constantFrom<EventName>('admit', ...names), { maxLength: 14 });
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), events, fc.boolean(), async (scheduler, happens, asleep) => {
        const { world, gate } = createScheduledWorld(scheduler);
        if (asleep) await world.pass(8);
        gate.isFree = false;
        await interleave(scheduler, world, happens);
        gate.isFree = true;
        await expectOrder(world);
      }),
      { numRuns: 500 },
    );
  });

  it('two that admit at once make one wake, and an order that meets a sleep is not left alone', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        const { world, gate } = createScheduledWorld(scheduler);
        await world.pass(5);
        world.clock.time += IDLE_MS;
        gate.isFree = false;
        const meeting = Promise.all([world.life.tend(MODEL), world.admit(), world.admit()]);
        await scheduler.waitFor(meeting);
        gate.isFree = true;
        // Either it never slept, or it is on its way back at the latest with the next look.
        if (world.state.desired === 0) expect(world.row()?.state).toBe('waking');
        await world.pass(2);
        expect([world.state.current, world.row()?.state]).toEqual([1, 'awake']);
      }),
      { numRuns: 500 },
    );
  });
});
