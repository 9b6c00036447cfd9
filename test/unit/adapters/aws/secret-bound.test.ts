import { describe, expect, it } from 'vitest';
import { createSecretBound } from '#shared/adapters/aws/secret-bound.ts';

function world() {
  const state = { secret: 'one', readFails: false, makeFails: false };
  const made: string[] = [];
  const errors: unknown[] = [];
  const current = createSecretBound({
    read: async () => {
      if (state.readFails) throw new Error('unreadable');
      return state.secret;
    },
    make: async (secret) => {
      await Promise.resolve();
      if (state.makeFails) throw new Error('senseless');
      made.push(secret);
      return `made of ${secret}`;
    },
    onError: (error) => errors.push(error),
  });
  return { state, made, errors, current };
}

describe('what is made from a secret', () => {
  it('is made once, however many ask, and anew for another secret', async () => {
    const { state, made, current } = world();
    const all = await Promise.all([current(), current(), current()]);
    expect(all).toEqual(Array(3).fill('made of one'));
    state.secret = 'two';
    expect(await current()).toBe('made of two');
    expect(await current()).toBe('made of two');
    expect(made).toEqual(['one', 'two']);
  });

  it.each(['readFails', 'makeFails'] as const)('serves on when %s, and says so', async (fault) => {
    const { state, errors, current } = world();
    await current();
    state.secret = 'two';
    state[fault] = true;
    expect(await current()).toBe('made of one');
    expect(errors).toHaveLength(1);
    state[fault] = false;
    expect(await current()).toBe('made of two');
  });

  it.each(['readFails', 'makeFails'] as const)(
    'fails as long as there is none before it: %s',
    async (fault) => {
      const { state, current } = world();
      state[fault] = true;
      await expect(current()).rejects.toThrow();
      state[fault] = false;
      expect(await current()).toBe('made of one');
    },
  );
});
