import { TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { InjectedFault } from '#test/helpers/faults.ts';
import type { Weather } from './world.ts';

export interface SdkClient {
  send(command: unknown): Promise<unknown>;
  /** The process that it belongs to is gone: no answer reaches it. */
  die(): void;
}

/** Of all sendings: the request gets lost; the reply does. */
const LOST_REQUEST = 0.02;
const LOST_REPLY = 0.04;
const ATTEMPTS = 3;

/**
 * What the SDK does between the stores and the service: it sends again what got lost on the way, a
 * transaction under its token, anything else as it was. Only after several tries does its caller hear of it.
 */
export function createSdkClient(
  service: { readonly send: (command: unknown) => Promise<unknown> },
  weather: Weather,
  nextToken: () => string,
): SdkClient {
  let dead = false;
  const answer = async (command: unknown): Promise<() => unknown> => {
    try {
      const result = await service.send(command);
      return () => result;
    } catch (error) {
      return () => {
        throw error;
      };
    }
  };
  return {
    die() {
      dead = true;
    },
    async send(command) {
      const sent =
        command instanceof TransactWriteCommand
          ? new TransactWriteCommand({ ClientRequestToken: nextToken(), ...command.input })
          : command;
      for (let attempt = 1; ; attempt++) {
        if (dead) throw new InjectedFault('the process has died');
        if (!weather.random?.chance(LOST_REQUEST)) {
          const tell = await answer(sent);
          if (dead) throw new InjectedFault('the process has died');
          if (!weather.random?.chance(LOST_REPLY)) return tell();
        }
        if (attempt < ATTEMPTS) continue;
        weather.failed++;
        throw new InjectedFault('no answer from the database');
      }
    },
  };
}
