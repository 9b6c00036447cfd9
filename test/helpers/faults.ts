import type { Wrap } from './world.ts';

export class InjectedFault extends Error {}

export interface FaultPlan {
  readonly wrap: Wrap;
  /** Each call that was made so far: `jobs.settle`. */
  readonly calls: readonly string[];
}

/**
 * Counts the calls of every port and fails one of them: `before` it had any effect, or `after` it took
 * effect but before its caller heard of it.
 */
export function planFault(index: number, moment: 'before' | 'after'): FaultPlan {
  const calls: string[] = [];
  const wrap: Wrap = (name, port) =>
    new Proxy(port, {
      get(target, method, receiver) {
        const value: unknown = Reflect.get(target, method, receiver);
        if (typeof value !== 'function') return value;
        return async (...args: unknown[]) => {
          const mine = calls.push(`${name}.${String(method)}`) - 1;
          const fault = new InjectedFault(`${moment} call ${index}, ${calls[mine]}`);
          if (mine === index && moment === 'before') throw fault;
          const result: unknown = await value.apply(target, args);
          if (mine === index) throw fault;
          return result;
        };
      },
    });
  return { wrap, calls };
}
