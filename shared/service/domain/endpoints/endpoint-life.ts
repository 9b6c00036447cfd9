import type { Clock } from '#shared/core/clock.ts';
import { AppError } from '#shared/core/errors.ts';
import type {
  EndpointControl,
  EndpointRow,
  EndpointRows,
  StoredEndpointRow,
} from '#shared/service/ports/endpoint-control.ts';
import { isWarm, type WarmSchedule } from './warm-schedule.ts';

/** A model's endpoint, and when it may sleep. */
export interface TendedEndpoint {
  readonly model: string;
  readonly endpoint: string;
  /** How long it stays without an order. Default: what its wakes take. */
  readonly idleMs?: number;
  /** When it has an instance in any case. */
  readonly warm?: WarmSchedule;
}

export interface EndpointLifeDeps {
  readonly endpoints: readonly TendedEndpoint[];
  readonly rows: EndpointRows;
  readonly control: EndpointControl;
  /** Whether a model has an order that has not ended. May lag a little behind. */
  readonly hasOpen: (model: string) => Promise<boolean>;
  readonly clock: Clock;
}

/** What a wake takes until one was seen: provisioning, image, weights, loading, warm-up. */
export const FIRST_WAKE_MS = 6 * 60_000;
/** Wakes that are remembered: their median is what the next one is expected to take. */
const REMEMBERED_WAKES = 5;

/** What the next wake is expected to take. */
export function expectedWakeMs(row: Pick<EndpointRow, 'wakes'> | undefined): number {
  const sorted = [...(row?.wakes ?? [])].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? FIRST_WAKE_MS;
}

/**
 * When endpoints wake and sleep. An order's admission is written before the row is read, and the row says
 * `asleep` before open orders are looked for and instances are taken away: so one of the two always sees the
 * other. What a crash or a lagging index lets through is mended by the next look, a minute later.
 */
export function createEndpointLife(deps: EndpointLifeDeps) {
  const { rows, control, clock } = deps;

  const find = (model: string): TendedEndpoint => {
    const found = deps.endpoints.find((candidate) => candidate.model === model);
    if (found === undefined) throw new AppError('not-found', `There is no model ${model}`);
    return found;
  };
  const wakingFrom = (row: EndpointRow): EndpointRow =>
    row.state === 'waking' ? row : { ...row, state: 'waking', wakingSince: clock.now() };

  /** After an order was admitted: sees to it that an instance is on its way. */
  const wake = async (model: string): Promise<'awake' | 'waking' | 'paused'> => {
    const { endpoint } = find(model);
    const row = await rows.get(endpoint);
    if (row?.state !== 'asleep') return row?.state ?? 'awake';
    if ((await control.keepAtLeast(endpoint, 1)) === 'paused') return 'paused';
    // Another may have done the same.
    await rows.put(endpoint, wakingFrom(row), row.version);
    return 'waking';
  };

  /** Takes the instances of an endpoint away that has had nothing to do. */
  const sleep = async ({ model, endpoint }: TendedEndpoint, row: Seen): Promise<void> => {
    const asleep: EndpointRow = { ...withoutVersion(row), state: 'asleep' };
    if (!(await rows.put(endpoint, asleep, row.version))) return;
    const version = (row.version ?? 0) + 1;
    const stayAwake = () => rows.put(endpoint, { ...asleep, state: 'awake' }, version);
    if (await deps.hasOpen(model)) {
      await stayAwake();
      return;
    }
    await control.keepAtLeast(endpoint, 0);
    // An order that comes now asks for an instance while there still is one: the next look sees to it.
    if ((await control.stopAll(endpoint)) === 'busy') await stayAwake();
  };

  /** An endpoint without an instance, and without one on its way. */
  const tendEmpty = async (
    endpoint: string,
    row: Seen,
    isWanted: boolean,
  ): Promise<EndpointRow> => {
    const known = withoutVersion(row);
    if (!isWanted) return { ...known, state: 'asleep' };
    const isPaused = (await control.keepAtLeast(endpoint, 1)) === 'paused';
    return isPaused ? { ...known, state: 'asleep' } : { ...wakingFrom(known), wasEmpty: true };
  };

  /** One look at one endpoint. */
  const tend = async (model: string): Promise<void> => {
    const tended = find(model);
    const { endpoint } = tended;
    const now = clock.now();
    const row: Seen = (await rows.get(endpoint)) ?? { state: 'awake', busyAt: now, wakes: [] };
    const view = await control.view(endpoint);
    const isOpen = await deps.hasOpen(model);
    const isWanted = isOpen || isWarmNow(tended, row, now);
    const known: EndpointRow = { ...withoutVersion(row), ...(isOpen && { busyAt: now }) };
    const save = async (changed: EndpointRow): Promise<void> => {
      if (!isSame(changed, withoutVersion(row)) || row.version === undefined) {
        await rows.put(endpoint, changed, row.version);
      }
    };

    if (view.desired === 0) await save(await tendEmpty(endpoint, known, isWanted));
    else if (view.current === 0) await save({ ...wakingFrom(known), wasEmpty: true });
    else if (row.state === 'waking') {
      if (!isWarmNow(tended, row, now)) await control.keepAtLeast(endpoint, 0);
      await save(awoken(known, now));
    } else if (isWanted) await save({ ...known, state: 'awake', busyAt: now });
    else if (row.version === undefined) await save(known);
    else if (now - row.busyAt >= (tended.idleMs ?? expectedWakeMs(row)) && !view.isUpdating) {
      await sleep(tended, row);
    }
  };

  return {
    wake,
    tend,

    /** Models that have an instance, as the last look at their endpoints saw it. */
    async awake(): Promise<readonly string[]> {
      const seen = await Promise.all(
        deps.endpoints.map(
          async ({ model, endpoint }) => [model, await rows.get(endpoint)] as const,
        ),
      );
      return seen.flatMap(([model, row]) => (row?.state === 'awake' ? [model] : []));
    },

    /**
     * An operator's wish: an instance from now on for this long, orders or not.
     *
     * @throws AppError `unavailable` while everything is paused, or when too many ask at one time
     */
    async warm(model: string, forMs: number) {
      const { endpoint } = find(model);
      const until = clock.now() + forMs;
      if ((await control.keepAtLeast(endpoint, 1)) === 'paused') {
        throw new AppError('unavailable', 'The deployment is paused: no instance may start.');
      }
      for (let tries = 0; tries < 10; tries += 1) {
        const row = await rows.get(endpoint);
        const known = withoutVersion(row ?? { state: 'awake', busyAt: clock.now(), wakes: [] });
        const isAwake = known.state === 'awake';
        const next = isAwake ? known : wakingFrom(known);
        const warmUntil = Math.max(until, known.warmUntil ?? 0);
        if (await rows.put(endpoint, { ...next, warmUntil }, row?.version)) {
          const leftMs = (next.wakingSince ?? 0) + expectedWakeMs(next) - clock.now();
          return isAwake
            ? ({ state: 'awake', warmUntil, readyInMs: 0 } as const)
            : ({ state: 'waking', warmUntil, readyInMs: Math.max(leftMs, 0) } as const);
        }
      }
      throw new AppError('unavailable', 'The endpoint is being changed; try again.', {
        retryable: true,
      });
    },
  };
}

export type EndpointLife = ReturnType<typeof createEndpointLife>;

/** A row as it was read; without a version where there is none yet. */
type Seen = EndpointRow & Partial<Pick<StoredEndpointRow, 'version'>>;

function withoutVersion({ version: _, ...row }: Seen): EndpointRow {
  return row;
}

function isWarmNow({ warm }: TendedEndpoint, { warmUntil }: EndpointRow, now: number): boolean {
  return (warmUntil !== undefined && warmUntil > now) || (warm !== undefined && isWarm(warm, now));
}

/** An instance runs: what its wake took is remembered, if it was seen from its beginning. */
function awoken(row: Seen, now: number): EndpointRow {
  const { wakingSince, wasEmpty, ...rest } = withoutVersion(row);
  const tookMs = wakingSince !== undefined && wasEmpty === true ? [now - wakingSince] : [];
  return {
    ...rest,
    state: 'awake',
    busyAt: now,
    wakes: [...row.wakes, ...tookMs].slice(-REMEMBERED_WAKES),
  };
}

/** Whether nothing would be written: a sleeping endpoint costs no write a minute. */
function isSame(a: EndpointRow, b: EndpointRow): boolean {
  const members = (row: EndpointRow) => JSON.stringify(Object.entries(row).sort());
  return members(a) === members(b);
}
