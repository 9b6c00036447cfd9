import { InjectedFault } from '#test/helpers/faults.ts';
import type { Wrap } from '#test/helpers/world.ts';
import type { Random } from './random.ts';

/** The calls of ports fail at random: before they have any effect, or after, with their reply lost. */
export interface FaultyPorts {
  readonly wrap: Wrap;
  /** What decides the next calls; undefined while nothing fails. */
  random: Random | undefined;
  /** How many calls were failed. */
  readonly failed: () => number;
}

const SHARE = 0.06;

export function createFaultyPorts(): FaultyPorts {
  let failed = 0;
  const fault = (moment: string, name: string) => {
    failed++;
    return new InjectedFault(`${moment} ${name}`);
  };
  const ports: FaultyPorts = {
    random: undefined,
    failed: () => failed,
    wrap: (name, port) =>
      new Proxy(port, {
        get(target, method, receiver) {
          const value: unknown = Reflect.get(target, method, receiver);
          if (typeof value !== 'function') return value;
          return async (...args: unknown[]) => {
            const { random } = ports;
            const call = `${name}.${String(method)}`;
            if (random?.chance(SHARE / 2)) throw fault('before', call);
            const result: unknown = await value.apply(target, args);
            if (random?.chance(SHARE / 2)) throw fault('after', call);
            return result;
          };
        },
      }),
  };
  return ports;
}
