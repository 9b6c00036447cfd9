import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { REGIONS } from '#shared/deployment/settings.ts';
import { type Change, changeSet, leftByRollback, removal } from '#test/helpers/change-set.ts';
import { EUROPEAN_PROD } from '#test/helpers/deployments.ts';
import { type CfnLint, installCfnLint } from '#test/helpers/resource-schemas.ts';
import { everyResource, PARTS, resourcesOf, synthesise } from '#test/helpers/synthesise.ts';

const execute = promisify(execFile);
const MODEL = { name: 'onestep/demo', digest: 'a'.repeat(64), instance: 'ml.g6.xlarge' };
const deployed = (model: object = {}, more: object = {}) =>
  synthesise({ 'onestep:models': [{ ...MODEL, ...model }], ...more });

let lint: CfnLint;
let folder: string;
beforeAll(async () => {
  lint = await installCfnLint();
  folder = mkdtempSync(join(tmpdir(), 'onestep-templates-'));
}, 300_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** `replace gpu Model`, without the CDK's hashes. */
const inWords = (changes: readonly Change[]) =>
  changes
    .map(({ action, part, id }) => `${action} ${part} ${id.replace(/[0-9A-F]{8}$/, '')}`)
    .sort();

describe('the templates, by the schemas of every region that the settings allow', () => {
  it.each(REGIONS)('%s has every type of resource', (region) => {
    const missing = everyResource(synthesise(EUROPEAN_PROD))
      .filter(([part, , { Type }]) => part !== 'edge' && !Type.startsWith('Custom::'))
      .filter(([, , { Type }]) => lint.schema(region, Type) === undefined)
      .map(([, , { Type }]) => Type);
    expect(missing).toEqual([]);
  });

  it.each([
    ['dev', {}],
    ['prod, with every option', EUROPEAN_PROD],
  ])(
    'cfn-lint finds nothing in those of %s',
    async (name, context) => {
      const root = join(folder, name);
      mkdirSync(root);
      const files = PARTS.map((part) => {
        const file = join(root, `${part}.template.json`);
        writeFileSync(file, JSON.stringify(synthesise(context).templates[part].toJSON()));
        return { part, file };
      });
      const only = (wanted: boolean) =>
        files.filter(({ part }) => (part === 'edge') === wanted).map(({ file }) => file);
      const run = (regions: readonly string[], templates: readonly string[]) =>
        // The CDK writes dependencies that a reference implies already.
        execute(lint.program, ['-i', 'W3005', '-r', ...regions, '-t', ...templates]);
      await Promise.all([run(REGIONS, only(false)), run(['us-east-1'], only(true))]);
    },
    300_000,
  );
});

describe('what CloudFormation would do', () => {
  const base = () => deployed();

  it('at the first deployment: makes everything', () => {
    const changes = changeSet(lint, undefined, base());
    expect(changes.every(({ action }) => action === 'create')).toBe(true);
    const counted = PARTS.map((part) => [
      part,
      changes.filter((change) => change.part === part).length,
    ]);
    expect(Object.fromEntries(counted)).toMatchInlineSnapshot(`
      {
        "api": 43,
        "data": 29,
        "edge": 14,
        "gpu": 21,
        "operations": 86,
        "webhooks": 5,
      }
    `);
  });

  it('at another image: another model and configuration, another alarm, the same endpoint', () => {
    const image = { 'onestep:imageDigest': `sha256:${'c'.repeat(64)}` };
    const changes = changeSet(lint, base(), deployed({}, image));
    expect(inWords(changes)).toMatchInlineSnapshot(`
      [
        "create gpu OnestepDemoRollbackAlarmccccccccccccaaaaaaaaaaaa1de8139a",
        "delete gpu OnestepDemoRollbackAlarm000000000000aaaaaaaaaaaa1de8139a",
        "replace gpu OnestepDemoConfig",
        "replace gpu OnestepDemoModel",
        "update gpu OnestepDemoEndpoint",
        "update gpu OnestepDemoRoleaaaaaaaaDefaultPolicy",
        "update gpu PackageCheck",
      ]
    `);
    expect(changes.filter(({ collision }) => collision !== undefined)).toEqual([]);
  });

  it('at another model: the same, with a role of its own, and what names the digest', () => {
    const changes = changeSet(lint, base(), deployed({ digest: 'b'.repeat(64) }));
    expect(inWords(changes)).toMatchInlineSnapshot(`
      [
        "create gpu OnestepDemoRolebbbbbbbb",
        "create gpu OnestepDemoRolebbbbbbbbDefaultPolicy",
        "create gpu OnestepDemoRollbackAlarm000000000000bbbbbbbbbbbb1de8139a",
        "delete gpu OnestepDemoRoleaaaaaaaa",
        "delete gpu OnestepDemoRoleaaaaaaaaDefaultPolicy",
        "delete gpu OnestepDemoRollbackAlarm000000000000aaaaaaaaaaaa1de8139a",
        "replace gpu OnestepDemoConfig",
        "replace gpu OnestepDemoModel",
        "update api Api",
        "update api ApiRoleDefaultPolicy",
        "update api Dispatch",
        "update api Sweep",
        "update gpu OnestepDemoEndpoint",
        "update gpu PackageCheck",
        "update gpu PackageCheckFunctionRoleDefaultPolicy",
      ]
    `);
    expect(changes.filter(({ collision }) => collision !== undefined)).toEqual([]);
  });

  it('at other instance types: another configuration and alarm, and the scaling target stays', () => {
    const changes = changeSet(
      lint,
      base(),
      deployed({ instance: ['ml.g5.xlarge', 'ml.g6.xlarge'] }),
    );
    expect(inWords(changes)).toMatchInlineSnapshot(`
      [
        "create gpu OnestepDemoRollbackAlarm000000000000aaaaaaaaaaaae01fed3d",
        "delete gpu OnestepDemoRollbackAlarm000000000000aaaaaaaaaaaa1de8139a",
        "replace gpu OnestepDemoConfig",
        "replace gpu OnestepDemoModel",
        "update gpu OnestepDemoEndpoint",
        "update gpu OnestepDemoRoleaaaaaaaaDefaultPolicy",
        "update operations Dashboard",
      ]
    `);
  });

  it('at other instance types in two steps: the scaling target goes first, and comes again after', () => {
    const types = { instance: ['ml.g5.xlarge', 'ml.g6.xlarge'] };
    const still = deployed({}, { 'onestep:scaling': false });
    const scaling = [
      'OnestepDemoBacklogPolicy',
      'OnestepDemoScalableTarget',
      'OnestepDemoWakeAlarm',
      'OnestepDemoWakePolicy',
    ];
    // What wakes the endpoint and lets it sleep forgets it with its scaling target.
    const first = changeSet(lint, base(), still);
    expect(inWords(first.filter(({ part }) => part === 'gpu'))).toEqual(
      scaling.map((id) => `delete gpu ${id}`),
    );
    expect(
      first.filter(({ part }) => part !== 'gpu').every(({ action }) => action === 'update'),
    ).toBe(true);
    const second = changeSet(lint, still, deployed(types));
    expect(inWords(second.filter(({ part }) => part === 'gpu'))).toEqual([
      'create gpu OnestepDemoBacklogPolicy',
      // A release of its own: the types may be the fix for jobs that fail.
      expect.stringMatching(/^create gpu OnestepDemoRollbackAlarm/),
      ...scaling.slice(1).map((id) => `create gpu ${id}`),
      expect.stringMatching(/^delete gpu OnestepDemoRollbackAlarm/),
      'replace gpu OnestepDemoConfig',
      'replace gpu OnestepDemoModel',
      'update gpu OnestepDemoEndpoint',
      'update gpu OnestepDemoRoleaaaaaaaaDefaultPolicy',
    ]);
  });

  it('at a mail address: subscriptions, and nothing is replaced', () => {
    const changes = changeSet(lint, base(), deployed({}, { 'onestep:alarmEmail': 'a@b.example' }));
    expect(changes.filter(({ action }) => action !== 'create')).toEqual([]);
  });

  it('after a first deployment that failed: nothing of a fixed name is left for the next', () => {
    const prod = synthesise(EUROPEAN_PROD);
    for (const made of [base(), prod]) {
      for (const part of PARTS) {
        const resources = resourcesOf(made.templates[part]);
        const named = leftByRollback(made, part).filter((id) => {
          const { Type: type, Properties: properties } = resources[id] ?? {};
          const [pointer = ''] = lint.schema('us-east-1', type ?? '')?.primaryIdentifier ?? [];
          return properties?.[pointer.replace('/properties/', '')] !== undefined;
        });
        expect(named, `${made.deployment[part].stackName}`).toEqual([]);
      }
    }
    expect(leftByRollback(prod, 'gpu')).toEqual([]);
    // The retry then makes the stack as if for the first time.
    const retried = changeSet(lint, undefined, prod).filter(({ part }) => part === 'gpu');
    expect(new Set(retried.map(({ action }) => action))).toEqual(new Set(['create']));
  });

  it('at the removal: nothing stays in dev but the versions of the edge function; in prod the data', () => {
    const kept = (changes: readonly Change[]) =>
      inWords(changes.filter(({ action }) => action === 'keep'));
    expect(kept(removal(base()))).toMatchInlineSnapshot(`
      [
        "keep edge EdgeFunctionCurrentVersion326158C2c22079398281edacf5c99484b4516516",
      ]
    `);
    expect(kept(removal(synthesise(EUROPEAN_PROD)))).toMatchInlineSnapshot(`
      [
        "keep api ApiLogs",
        "keep api CompleteLogs",
        "keep api DispatchLogs",
        "keep api InspectLogs",
        "keep api SweepLogs",
        "keep data AccessLogs",
        "keep data BuildLogs",
        "keep data GpuImages",
        "keep data MacSecret",
        "keep data Models",
        "keep data Outputs",
        "keep data ReceiptSecret",
        "keep data Table",
        "keep edge DistributionLogs",
        "keep edge EdgeFunctionCurrentVersion326158C2c22079398281edacf5c99484b4516516",
        "keep edge EdgeLogs",
        "keep edge WebAclLogs",
        "keep gpu PackageCheckFunctionLogs",
        "keep gpu StabilityaiSdxlLogs",
        "keep gpu TianweiyDmd2Logs",
        "keep operations KillSwitchFunctionLogs",
        "keep webhooks WebhooksLogs",
      ]
    `);
  });
});
