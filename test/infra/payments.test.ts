import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type BundleName, bundleFunction } from '#infra/bundles.ts';
import { edgeSettings } from '#infra/edge/edge-stack.ts';
import { parseSettings } from '#shared/deployment/settings.ts';
import { statementsOf } from '#test/helpers/iam-statements.ts';
import {
  COMMITTED_CONTEXT,
  everyResource,
  type Synthesised,
  synthesise,
} from '#test/helpers/synthesise.ts';

const SECRET = 'arn:aws:secretsmanager:us-east-1:123456789012:secret:x402-AbCd12';
const X402 = {
  payTo: `0x${'a'.repeat(40)}`,
  network: 'eip155:8453',
  facilitatorUrl: 'https://facilitator.example.com',
  secretArn: SECRET,
};
const ON = { 'onestep:x402': X402 };

const settingsOf = (changes: Readonly<Record<string, unknown>>) =>
  parseSettings({ ...COMMITTED_CONTEXT, ...changes });
const settingsError = (x402: unknown) => () => settingsOf({ 'onestep:x402': x402 });

/** The functions that have one of the variables. */
function told(made: Synthesised): readonly string[] {
  return everyResource(made, 'AWS::Lambda::Function')
    .filter(([, , { Properties }]) => Properties.Environment?.Variables?.X402 !== undefined)
    .map(([, id]) => id.replace(/[A-F0-9]{8}$/, ''))
    .sort();
}

const firewallRules = (made: Synthesised): string =>
  JSON.stringify(
    everyResource(made, 'AWS::WAFv2::WebACL').map(([, , acl]) => acl.Properties.Rules),
  );

describe('a deployment that sells without accounts', () => {
  const made = synthesise(ON);

  it('tells api and sweep alone, and keeps the secret out of templates and variables', () => {
    expect(told(made)).toEqual(['Api', 'Sweep']);
    const [, , api] = everyResource(made, 'AWS::Lambda::Function').find(([, id]) =>
      id.startsWith('Api'),
    ) ?? ['', '', undefined];
    const { X402: text, X402_SECRET_ARN } = api?.Properties.Environment.Variables ?? {};
    expect(JSON.parse(text)).toMatchObject({ payTo: X402.payTo, network: X402.network });
    expect(JSON.parse(text)).not.toHaveProperty('secretArn');
    expect(X402_SECRET_ARN).toBe(SECRET);
  });

  it('lets those two read that one secret, and adds no other grant', () => {
    const grants = (of: Synthesised) =>
      statementsOf(of).flatMap(({ roles, actions, resources }) =>
        roles.flatMap((role) =>
          actions.map((action) =>
            [role.replace(/[A-F0-9]{8}$/, ''), action, JSON.stringify(resources)].join(' '),
          ),
        ),
      );
    const before = new Set(grants(synthesise()));
    const added = grants(made).filter((grant) => !before.has(grant));
    expect(added.map((grant) => grant.split(' ')[0]).sort()).toEqual(['ApiRole', 'SweepRole']);
    for (const grant of added) {
      expect(grant).toContain('secretsmanager:GetSecretValue');
      expect(grant).toContain(SECRET);
      expect(grant).not.toContain('*');
    }
    const { secretArn: _, ...open } = X402;
    const withoutSecret = synthesise({
      'onestep:x402': { ...open, rpcUrl: 'https://node.example.com' },
    });
    expect(grants(withoutSecret).filter((grant) => !before.has(grant))).toEqual([]);
  });

  it('has it baked into the edge, which lets such creates pass', () => {
    expect(edgeSettings(settingsOf(ON))).toMatchObject({ X402: '1' });
  });

  it('counts orders without credentials apart, by address, and logs no payment', () => {
    const rules = firewallRules(made);
    expect(rules).toContain('rate-of-unpaid');
    expect(rules).toMatch(/"Limit":200,"ScopeDownStatement":{"AndStatement"/);
    const logging = JSON.stringify(everyResource(made, 'AWS::WAFv2::LoggingConfiguration'));
    for (const header of ['payment-signature', 'x-payment']) expect(logging).toContain(header);
  });
});

describe('any other deployment', () => {
  it('is told nothing, has no rule for it, and its edge answers 401', () => {
    const made = synthesise();
    expect(told(made)).toEqual([]);
    expect(firewallRules(made)).not.toContain('rate-of-unpaid');
    expect(edgeSettings(settingsOf({}))).not.toHaveProperty('X402');
  });
});

describe('settings of x402', () => {
  it.each([
    [{ ...X402, payTo: '0x1' }, 'x402.payTo: must be an address'],
    [{ ...X402, network: 'base' }, 'x402.network: must be an EVM chain'],
    [{ ...X402, secretArn: 'my-secret' }, 'x402.secretArn: must be the whole ARN'],
    [{ ...X402, secretArn: undefined }, 'x402: rpcUrl is missing'],
    [{ ...X402, facilitatorToken: 'secret' }, 'facilitatorToken'],
    ['nothing', 'onestep:x402'],
  ])('are refused with their fault (%#)', (settings, fault) => {
    expect(settingsError(settings)).toThrow(fault);
  });

  it('are read as text too, as -c gives them', () => {
    expect(settingsOf({ 'onestep:x402': JSON.stringify(X402) }).x402).toMatchObject(X402);
  });
});

describe('bundles', () => {
  const textOf = async (name: BundleName, takesPayments: boolean) => {
    const { folder, sizeBytes } = await bundleFunction(name, {}, takesPayments);
    return { text: readFileSync(join(folder, 'index.mjs'), 'utf8'), sizeBytes };
  };
  /** Of the packages' own code, not of ours. */
  const hasPackages = (text: string) => text.includes('InternalRpcError');

  it.each(['api', 'sweep'] as const)(
    'of %s have the packages only where payments are on',
    async (name) => {
      const off = await textOf(name, false);
      const on = await textOf(name, true);
      expect([hasPackages(off.text), hasPackages(on.text)]).toEqual([false, true]);
      expect(/import\("(@x402|viem)/.test(on.text)).toBe(false);
      expect(on.sizeBytes).toBeLessThanOrEqual(3 * 1024 * 1024);
    },
  );

  it.each(['dispatch', 'complete', 'webhooks', 'inspect'] as const)(
    'of %s never have them',
    async (name) => {
      const { text } = await textOf(name, true);
      expect([hasPackages(text), /@x402|viem/.test(text)]).toEqual([false, false]);
    },
  );
});
