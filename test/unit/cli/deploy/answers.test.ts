import { describe, expect, it } from 'vitest';
import { type AnswersDeps, settleAnswers } from '#functions/cli/deploy/answers.ts';
import { AppError } from '#shared/core/errors.ts';
import { parseSettings } from '#shared/deployment/settings.ts';

const CDK_JSON = { 'onestep:models': [{ name: 'a/one', digest: 'a'.repeat(64) }] };

/** @param answers by the beginnings of questions; of several, each is given once and the last for good */
function setUp(
  context: Record<string, unknown> = {},
  answers?: Record<string, string | readonly string[]>,
) {
  const notes: Record<string, unknown> = {};
  const asked: string[] = [];
  const said: string[] = [];
  const left = new Map(
    Object.entries(answers ?? {}).map(([start, given]) => [start, [given].flat()]),
  );
  const deps: AnswersDeps = {
    settings: () => {
      const staged = Object.entries(notes).map(([key, value]) => [`onestep:dev:${key}`, value]);
      return parseSettings({ ...Object.fromEntries(staged), ...CDK_JSON, ...context });
    },
    isNoted: (key) => notes[key] !== undefined,
    note: (values) => void Object.assign(notes, values),
    ...(answers && {
      ask: async (question) => {
        asked.push(question);
        const found = [...left].find(([start]) => question.startsWith(start))?.[1] ?? [''];
        return (found.length > 1 ? found.shift() : found[0]) ?? '';
      },
    }),
    say: (line) => void said.push(line),
    assertOnHub: async (model) => {
      if (model.startsWith('nobody/')) throw new AppError('invalid-request', `no ${model}`);
    },
  };
  return { deps, notes, asked, said };
}

describe('what a deployment has to know', () => {
  it('is asked for the first time, and is as it was where the answer is empty', async () => {
    const { deps, notes, asked } = setUp({}, {});
    const settings = await settleAnswers(deps, {});
    expect(asked).toEqual([
      'Region of AWS [us-east-1]: ',
      expect.stringMatching(/^E-mail/),
      expect.stringMatching(/^Model/),
      expect.stringMatching(/budget.*\[200\]: $/),
    ]);
    expect(notes).toEqual({ region: 'us-east-1', monthlyBudgetUsd: 200 });
    expect(settings.importing).toBeUndefined();
  });

  it('is not asked for where options say it, nobody can answer, or it is deployed already', async () => {
    const options = { region: 'eu-west-1', email: 'me@example.com', model: 'a/b', budget: 5 };
    const given = setUp({}, {});
    expect(await settleAnswers(given.deps, options)).toMatchObject({
      region: 'eu-west-1',
      alarmEmail: 'me@example.com',
      importing: 'a/b',
      monthlyBudgetUsd: 5,
    });
    expect(given.asked).toEqual([]);
    const alone = setUp();
    await settleAnswers(alone.deps, {});
    expect(alone.notes).toEqual({});
    const deployed = setUp({ 'onestep:operatorAccount': 'acc_1' }, {});
    await settleAnswers(deployed.deps, {});
    expect(deployed.asked).toEqual([]);
  });

  it('is asked for again until the answer works', async () => {
    const { deps, notes, asked, said } = setUp(
      {},
      {
        Region: ['mars-1', 'eu-west-1'],
        'E-mail': ['me', 'me@example.com'],
        Model: ['disback', 'nobody/disback', 'a/b'],
        'The month': ['a lot', '50'],
      },
    );
    await settleAnswers(deps, {});
    expect(asked).toHaveLength(9);
    expect(said.map((line) => line.slice(0, 20))).toEqual([
      '   mars-1 is not a r',
      '   me is not an e-ma',
      '   disback is not th',
      '   no nobody/disback',
      '   a lot is not a bu',
    ]);
    expect(notes).toEqual({
      region: 'eu-west-1',
      alarmEmail: 'me@example.com',
      importing: 'a/b',
      monthlyBudgetUsd: 50,
    });
  });

  it('that a model of the hub is wanted can be taken back', async () => {
    const { deps, notes } = setUp();
    expect((await settleAnswers(deps, { model: 'a/b' })).importing).toBe('a/b');
    expect((await settleAnswers(deps, { model: 'demo' })).importing).toBeUndefined();
    expect(notes['importing']).toBeUndefined();
  });

  it.each([
    [{ region: 'mars-1' }, /mars-1 is not a region/],
    [{ email: 'me at example' }, /not an e-mail address/],
    [{ model: './disback' }, /not the name of a model on the hub.*onestep deploy FOLDER/],
    [{ model: 'a/b; rm -rf .' }, /not the name of a model/],
    [{ model: '-a/b' }, /not the name of a model/],
    [{ model: 'nobody/disback' }, /no nobody/],
    [{ budget: 0 }, /not a budget/],
  ])('is refused, and not noted, where it does not work: %j', async (options, message) => {
    const { deps, notes } = setUp();
    await expect(settleAnswers(deps, options)).rejects.toThrow(message);
    expect(notes).toEqual({});
  });

  it('does not go past what cdk.json says for the stage, nor to another region afterwards', async () => {
    const own = setUp({ 'onestep:dev:region': 'eu-west-2' });
    await expect(settleAnswers(own.deps, { region: 'eu-west-1' })).rejects.toThrow(
      /cdk\.json says onestep:dev:region = "eu-west-2"/,
    );
    const deployed = setUp({ 'onestep:operatorAccount': 'acc_1' });
    await expect(settleAnswers(deployed.deps, { region: 'eu-west-1' })).rejects.toThrow(
      /deployed to us-east-1.*onestep nuke/,
    );
  });
});
