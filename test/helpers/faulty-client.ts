/** Makes one call of an SDK client fail, on its way out or on its way back. */
export interface FaultPlan {
  /** How many calls were made since the last `arm`. */
  calls(): number;
  /** The call of this number (from 1) fails: `before` it is sent, or `after` it took effect. */
  arm(call: number, when: 'before' | 'after'): void;
  disarm(): void;
}

export function createFaultPlan(): FaultPlan & {
  wrap<Client extends { send: (...args: never[]) => Promise<unknown> }>(client: Client): Client;
} {
  let calls = 0;
  let armed: { call: number; when: 'before' | 'after' } | undefined;
  return {
    calls: () => calls,
    arm(call, when) {
      calls = 0;
      armed = { call, when };
    },
    disarm() {
      calls = 0;
      armed = undefined;
    },
    wrap: (client) =>
      new Proxy(client, {
        get(target, property, receiver) {
          if (property !== 'send') return Reflect.get(target, property, receiver);
          return async (...args: never[]) => {
            calls++;
            const fault = armed?.call === calls ? armed.when : undefined;
            if (fault === 'before') throw new Error('injected: never sent');
            if (fault === undefined) return target.send(...args);
            // What it would have said, also a refusal, is lost.
            await target.send(...args).catch(() => undefined);
            throw new Error('injected: the answer got lost');
          };
        },
      }),
  };
}
