import { readFileSync } from 'node:fs';
import { describe, expect, test, vi } from 'vitest';
import { openCards } from '#functions/local/open-payments.ts';
import { STRIPE_PACKAGE } from '#shared/adapters/stripe/load-stripe.ts';
import type { SellerDeps } from '#functions/api/payments/sell-by-card.ts';
import { fromRoot } from '#test/helpers/root.ts';

// As where it is not installed: to load it is to fail.
vi.mock('stripe', () => {
  throw new Error('Cannot find package');
});

// None of it is touched before the package is loaded.
const deps = {} as SellerDeps;

describe('Stripe', () => {
  const secrets = { STRIPE_SECRET_KEY: 'sk_test_1', STRIPE_WEBHOOK_SECRET: 'whsec_1' };

  test('is not loaded unless it is configured', async () => {
    expect(await openCards({}, deps)).toBeUndefined();
    const empty = { STRIPE_SECRET_KEY: '', STRIPE_WEBHOOK_SECRET: '' };
    expect(await openCards(empty, deps)).toBeUndefined();
  });

  test('that is configured and not installed says how to install it', async () => {
    await expect(openCards(secrets, deps)).rejects.toMatchObject({
      code: 'invalid-request',
      message: expect.stringContaining('npm install stripe@'),
    });
  });

  test.each(Object.keys(secrets))(
    'takes both secrets: without %s it does not start',
    async (name) => {
      const one = { ...secrets, [name]: '' };
      await expect(openCards(one, deps)).rejects.toThrow(`${name} is missing`);
    },
  );

  test('is installed by nobody who does not ask for it, in the version that is tested', () => {
    const { dependencies, optionalDependencies, devDependencies } = JSON.parse(
      readFileSync(fromRoot('package.json'), 'utf8'),
    );
    expect({ ...dependencies, ...optionalDependencies }).not.toHaveProperty('stripe');
    expect(STRIPE_PACKAGE).toBe(`stripe@${devDependencies.stripe}`);
  });
});
