import { webcrypto } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildInAccount } from '#functions/cli/deploy/account-build.ts';
import { settleAnswers } from '#functions/cli/deploy/answers.ts';
import { deploy } from '#functions/cli/deploy/deploy.ts';
import { finish } from '#functions/cli/deploy/finish.ts';
import { openFirstAccount } from '#functions/cli/deploy/first-account.ts';
import { createNotes } from '#functions/cli/deploy/notes.ts';
import { createDynamoStores } from '#shared/adapters/dynamo/dynamo-stores.ts';
import { loadSettings } from '#shared/deployment/settings.ts';
import { createKeyService } from '#shared/service/domain/keys.ts';
import { macKeys } from '#test/helpers/mac-keys.ts';
import { createManualClock } from '#test/helpers/manual-clock.ts';
import { createMemoryBuilds } from '#test/helpers/memory-builds.ts';
import { openMemoryTable } from '#test/helpers/memory-dynamo/open-memory-table.ts';
import { sampleManifest } from '#test/helpers/sample-manifest.ts';

const IMAGE = `sha256:${'e'.repeat(64)}`;
const MADE = { ...sampleManifest(), owner: 'syzhang0805', name: 'disback' };
const ANSWERS: Readonly<Record<string, string>> = {
  Region: 'eu-west-1',
  'E-mail': 'me@example.com',
  Model: 'syzhang0805/disback',
  'The month': '50',
};

class Killed extends Error {}

/** The deployment's table, with what is needed to use it. */
function openStores() {
  const clock = createManualClock();
  const randomBytes = (length: number) =>
    new Uint8Array(webcrypto.getRandomValues(new Uint8Array(length)));
  const table = openMemoryTable({ now: () => clock.now() });
  return {
    ...createDynamoStores({ table, clock, randomBytes }),
    clock,
    randomBytes,
    macKeys: macKeys(1),
  };
}

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'onestep-kills-'));
});
afterAll(() => rmSync(root, { recursive: true }));

/** An account and a project's folder, which both outlive the process that changes them. */
function createWorld() {
  const folder = mkdtempSync(join(root, 'project-'));
  const models = [{ name: 'onestep/demo', digest: 'f'.repeat(64) }];
  writeFileSync(
    join(folder, 'cdk.json'),
    JSON.stringify({ context: { 'onestep:models': models } }),
  );
  return {
    folder,
    stacks: new Map<string, Record<string, string>>(),
    bootstrapped: new Set<string>(),
    packages: new Set<string>(),
    images: new Set<string>(),
    builds: createMemoryBuilds({ IMAGE_DIGEST: IMAGE, MODEL_DIGEST: MADE.digest }),
    stores: openStores(),
    shown: [] as string[],
    pictures: 0,
    questions: 0,
  };
}
type World = ReturnType<typeof createWorld>;

/** Ends the process at the nth thing that it does, before doing it or when that was done. */
function createDeath(at: number) {
  let done = 0;
  const point = () => {
    done++;
    if (done === at) throw new Killed();
  };
  return {
    count: () => done,
    async around<T>(work: () => T | Promise<T>): Promise<T> {
      point();
      const result = await work();
      point();
      return result;
    },
    aroundSync(work: () => void): void {
      point();
      work();
      point();
    },
  };
}

/** `onestep deploy`, from the first question to the last line. */
async function runDeploy(world: World, death: ReturnType<typeof createDeath>): Promise<void> {
  const { around, aroundSync } = death;
  const { folder, stacks, packages, images, builds, stores } = world;
  const notes = createNotes(folder, 'dev');
  const note = (values: Readonly<Record<string, unknown>>) => aroundSync(() => notes.add(values));
  const read = () => loadSettings(folder);
  const ask = async (question: string) => {
    world.questions++;
    const asked = Object.keys(ANSWERS).find((start) => question.startsWith(start)) ?? '';
    return ANSWERS[asked] ?? '';
  };
  const settings = await settleAnswers(
    {
      ask,
      say: () => undefined,
      settings: read,
      isNoted: notes.has,
      note,
      assertOnHub: async () => undefined,
    },
    {},
  );
  const step = <T>(_title: string, work: () => Promise<T>) => work();
  const isPushed = async (_bucket: string, digest: string) => packages.has(digest);
  const deps = {
    preflight: async () =>
      world.bootstrapped.size > 0
        ? []
        : [{ check: 'bootstrap', ok: false, says: 'never', bootstrap: 'aws://1/eu-west-1' }],
    bootstrap: (environment: string) => around(() => void world.bootstrapped.add(environment)),
    deployStacks: (parts: readonly string[]) =>
      around(async () => {
        notes.operatorAccount(settings);
        for (const part of parts) {
          await around(() => {
            const outputs =
              part === 'data'
                ? { ModelBucketName: 'models', RepositoryUri: 'registry/images' }
                : { Url: 'https://d.example', FunctionUrl: 'https://f.example' };
            stacks.set(`onestep-dev-${part}`, outputs);
          });
        }
      }),
    stackOutputs: async (name: string) => stacks.get(name),
    isPushed,
    pushPackage: async () => undefined,
    stageDrawing: async () => undefined,
    hasImage: async (_uri: string, digest: string) => images.has(digest),
    build: (_places: unknown, wanted: Parameters<typeof buildInAccount>[1]) =>
      buildInAccount(
        {
          ...builds,
          start: (variables, token) => around(() => builds.start(variables, token)),
          get: (id) =>
            around(async () => {
              const state = await builds.get(id);
              if (state.status !== 'SUCCEEDED') return state;
              packages.add(MADE.digest);
              images.add(IMAGE);
              return state;
            }),
          isThere: async () => packages.has(MADE.digest) && images.has(IMAGE),
          again: false,
          say: () => undefined,
          sleep: async () => undefined,
          now: () => 0,
        },
        wanted,
      ),
    readPushed: async () => MADE,
    buildImage: false,
    note,
    say: () => undefined,
    step,
  };
  await deploy(deps, settings, []);
  const { ledger, clock, randomBytes } = stores;
  const keys = createKeyService(stores);
  const accountDeps = {
    ledger: {
      createAccount: (...words: Parameters<typeof ledger.createAccount>) =>
        around(() => ledger.createAccount(...words)),
      grant: (...words: Parameters<typeof ledger.grant>) => around(() => ledger.grant(...words)),
    },
    keys: {
      issue: (...words: Parameters<typeof keys.issue>) => around(() => keys.issue(...words)),
      revoke: (...words: Parameters<typeof keys.revoke>) => around(() => keys.revoke(...words)),
    },
    clock,
    randomBytes,
  };
  const finished = await finish({
    operator: () => openFirstAccount(accountDeps, notes.operatorAccount(read())),
    wasShown: (account) => notes.get('keyShown') === account,
    step,
    picture: (key) =>
      around(async () => {
        expect(await keys.authenticate(key)).toMatchObject({ ok: true });
        world.pictures++;
        return 'picture.png';
      }),
  });
  if (finished.failure !== undefined) throw finished.failure;
  if (finished.adminKey !== undefined) {
    const { adminKey } = finished;
    aroundSync(() => void world.shown.push(adminKey));
    note({ keyShown: finished.account });
  }
}

/** What a deployment is in the end, however it came to be. */
async function expectWhole(world: World): Promise<void> {
  const { builds, stacks, stores } = world;
  expect(builds.builds.map(({ status }) => status)).toEqual(['SUCCEEDED']);
  expect(stacks.size).toBe(6);
  const settings = loadSettings(world.folder);
  expect(settings).toMatchObject({
    region: 'eu-west-1',
    alarmEmail: 'me@example.com',
    monthlyBudgetUsd: 50,
    imageDigest: IMAGE,
    models: [{ name: 'syzhang0805/disback', digest: MADE.digest, compute: 'sagemaker' }],
  });
  expect(settings.importing).toBeUndefined();
  const account = createNotes(world.folder, 'dev').operatorAccount(settings);
  expect((await stores.ledger.getAccount(account))?.balance).toBe(5_000_000);
  const keys = createKeyService(stores);
  const last = await keys.authenticate(world.shown.at(-1) ?? '');
  expect(last.ok && last.key.scopes).toContain('admin');
  expect(world.pictures).toBeGreaterThan(0);
}

describe('a deployment that is killed', () => {
  it('at one of many points, and run again, goes on to the same end', async () => {
    const whole = createWorld();
    const death = createDeath(0);
    await runDeploy(whole, death);
    await expectWhole(whole);
    expect(whole.questions).toBe(4);
    const points = death.count();
    expect(points).toBeGreaterThan(40);
    // Every third: before some things and after others.
    for (let at = 1; at <= points; at += 3) {
      const world = createWorld();
      await expect(runDeploy(world, createDeath(at)), `point ${at}`).rejects.toThrow(Killed);
      await runDeploy(world, createDeath(0));
      await expectWhole(world);
      // At most the question whose answer was on its way is asked again.
      expect(world.questions, `point ${at}`).toBeLessThanOrEqual(5);
    }
  });

  it('at ten points of one deployment goes on each time', async () => {
    const world = createWorld();
    let kills = 0;
    for (let run = 1; kills < 10; run++) {
      const ended = await runDeploy(world, createDeath(3 * run)).then(
        () => true,
        (error: unknown) => {
          if (!(error instanceof Killed)) throw error;
          kills++;
          return false;
        },
      );
      if (ended) break;
    }
    expect(kills).toBe(10);
    await runDeploy(world, createDeath(0));
    await expectWhole(world);
  });
});
