import { describe, expect, it } from 'vitest';
import { type AnswersDeps, settleAnswers } from '#functions/cli/deploy/answers.ts';
import { parseSettings } from '#shared/deployment/settings.ts';

const CDK_JSON = { 'onestep:models': [{ name: 'a/one', digest: 'a'.repeat(64) }] };

function setUp(context: Record<string, unknown> = {}, answers?: Record<string, string>) {
  const notes: Record<string, unknown> = {};
  const asked: string[] = [];
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
        return Object.entries(answers).find(([start]) => question.startsWith(start))?.[1] ?? '';
      },
    }),
  };
  return { deps, notes, asked };
}

describe('what a deployment has to know', () => {
  it('is asked for the first time, and is as it was where the answer is empty', async () => {
    const { deps, notes, asked } = setUp({}, {});
    const settings = await settleAnswers(deps, {});
    expect(asked).toEqual([
      'Region [us-east-1]: ',
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
