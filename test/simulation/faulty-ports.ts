import { InjectedFault } from '#test/helpers/faults.ts';
import type { Wrap } from '#test/helpers/world.ts';
import type { Weather } from './worlds/world.ts';

const SHARE = 0.06;

/** The calls of ports fail at random: before they have any effect, or after, with their reply lost. */
export function createFaultyPorts(weather: Weather): Wrap {
  const fault = (moment: string, name: string, method: string) => {
    weather.failed++;
    return new InjectedFault(`${moment} ${name}.${method}`);
  };
  return (name, port) => {
    const methods = Object.entries(port as Record<string, (...args: unknown[]) => unknown>);
    return Object.fromEntries(
      methods.map(([method, call]) => [
        method,
        async (...args: unknown[]) => {
          const { random } = weather;
          if (random?.chance(SHARE / 2)) throw fault('before', name, method);
          const result: unknown = await call.apply(port, args);
          if (random?.chance(SHARE / 2)) throw fault('after', name, method);
          return result;
        },
      ]),
    ) as typeof port;
  };
}
