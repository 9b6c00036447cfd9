import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createDeliveryLoop } from '#functions/webhooks/delivery-loop.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('createDeliveryLoop', () => {
  it('looks at once, by its timer and when woken, until it is stopped', async () => {
    let passes = 0;
    const deliverDue = async () => {
      passes++;
      return 0;
    };
    const loop = createDeliveryLoop({ deliverDue, onError: () => {}, pollMs: 1000 });
    loop.start();
    await vi.advanceTimersByTimeAsync(2500);
    expect(passes).toBe(3);
    loop.wake();
    expect(passes).toBe(4);
    await loop.stop();
    await vi.advanceTimersByTimeAsync(5000);
    loop.wake();
    expect(passes).toBe(4);
  });

  it('goes on looking while there is something due', async () => {
    const due = [50, 50, 0];
    let passes = 0;
    const deliverDue = async () => due[passes++] ?? 0;
    const loop = createDeliveryLoop({ deliverDue, onError: () => {} });
    loop.wake();
    await vi.advanceTimersByTimeAsync(0);
    expect(passes).toBe(3);
  });

  it('is not held up by a slow receiver, and goes on after an error', async () => {
    let passes = 0;
    const errors: unknown[] = [];
    const deliverDue = async () => {
      passes++;
      if (passes === 1) await new Promise((resolve) => setTimeout(resolve, 15_000));
      if (passes === 2) throw new Error('the store is away');
      return 0;
    };
    const loop = createDeliveryLoop({ deliverDue, onError: (error) => errors.push(error) });
    loop.start();
    await vi.advanceTimersByTimeAsync(3000);
    expect(passes).toBe(4);
    expect(errors).toHaveLength(1);
  });
});
