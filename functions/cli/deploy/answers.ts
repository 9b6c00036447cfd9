import { z } from 'zod';
import { defined } from '#shared/core/defined.ts';
import { AppError } from '#shared/core/errors.ts';
import { type DeploymentSettings, REGIONS } from '#shared/deployment/settings.ts';

/** What a first deployment has to know. */
export interface Answers {
  readonly region?: string;
  readonly email?: string;
  /** `OWNER/NAME` on the hub. */
  readonly model?: string;
  readonly budget?: number;
}

export interface AnswersDeps {
  /** Asks at a terminal; absent without one. */
  readonly ask?: (question: string) => Promise<string>;
  /** The settings as cdk.json and the notes have them now. */
  readonly settings: () => DeploymentSettings;
  /** Whether a key was noted for this stage. */
  readonly isNoted: (key: string) => boolean;
  readonly note: (notes: Readonly<Record<string, unknown>>) => void;
}

/** `OWNER/NAME`, perhaps of a revision; nothing in it means anything to a shell. */
const MODEL = /^[A-Za-z0-9][\w.-]*\/[A-Za-z0-9][\w.-]*(@[\w.-]+)?$/;

/** The model that is here already: it takes back one of the hub that has not been imported yet. */
const DEMO = 'demo';

const REGION_QUESTION = 'Region';
const EMAIL_QUESTION = 'E-mail address for alarms and the kill switch (empty: none)';
const MODEL_QUESTION = 'Model, OWNER/NAME on the hub (empty: the demo)';
const BUDGET_QUESTION = "The month's budget in dollars, at which the GPUs are turned off";

/**
 * Notes what the options say, and asks for what a first deployment has to know and they do not say. Each
 * answer is noted at once, so that nobody is asked twice.
 *
 * @throws AppError `invalid-request` for an answer that does not work; `conflict` where cdk.json says
 *   something else, or another region is wanted than the one deployed to
 */
export async function settleAnswers(
  deps: AnswersDeps,
  options: Answers,
): Promise<DeploymentSettings> {
  const before = deps.settings();
  const isFirst = before.operatorAccount === undefined;
  assertSameRegion(before, options.region);
  const ask = isFirst ? deps.ask : undefined;
  const unlessNoted = async (key: string, question: string, otherwise: string) => {
    if (ask === undefined || deps.isNoted(key)) return undefined;
    const answer = (await ask(`${question} [${otherwise}]: `)).trim();
    return answer === '' ? otherwise : answer;
  };
  const optional = async (key: string, question: string) => {
    if (ask === undefined || deps.isNoted(key)) return undefined;
    return (await ask(`${question}: `)).trim() || undefined;
  };
  const set = (key: string, value: unknown) => {
    if (value === undefined) return;
    deps.note({ [key]: value });
    assertTaken(deps.settings(), key, value);
  };

  set(
    'region',
    checkRegion(options.region ?? (await unlessNoted('region', REGION_QUESTION, before.region))),
  );
  const hasEmail = before.alarmEmail !== undefined;
  const email =
    options.email ?? (hasEmail ? undefined : await optional('alarmEmail', EMAIL_QUESTION));
  set('alarmEmail', checkEmail(email));
  const hasModel = deps.isNoted('models') || before.importing !== undefined;
  const model =
    options.model ?? (hasModel ? undefined : await optional('importing', MODEL_QUESTION));
  if (model === DEMO) deps.note({ importing: undefined });
  else set('importing', checkModel(model));
  const budget =
    options.budget ??
    (await unlessNoted('monthlyBudgetUsd', BUDGET_QUESTION, String(before.monthlyBudgetUsd)));
  set('monthlyBudgetUsd', checkBudget(budget));
  return deps.settings();
}

/** What was deployed to one region does not move to another. */
function assertSameRegion(settings: DeploymentSettings, region: string | undefined): void {
  if (settings.operatorAccount === undefined) return;
  if (region === undefined || region === settings.region) return;
  throw new AppError(
    'conflict',
    `This stage is deployed to ${settings.region}. For ${region}, take it down first ("onestep nuke"), or deploy the other stage there.`,
  );
}

/** cdk.json is the user's own file, so what it says for a stage goes before what was noted. */
function assertTaken(settings: DeploymentSettings, key: string, value: unknown): void {
  const taken = settings[key as keyof DeploymentSettings];
  if (taken === value) return;
  throw new AppError(
    'conflict',
    `cdk.json says onestep:${settings.stage}:${key} = ${JSON.stringify(taken)}. Change it there, or leave the option out.`,
  );
}

function checkRegion(region: string | undefined): string | undefined {
  if (region === undefined || (REGIONS as readonly string[]).includes(region)) return region;
  const message = `${region} is not a region that has all that is needed. Choose one of ${REGIONS.join(', ')}.`;
  throw new AppError('invalid-request', message);
}

function checkEmail(email: string | undefined): string | undefined {
  if (email === undefined || z.email().safeParse(email).success) return email;
  const message = `${email} is not an e-mail address. Run "onestep deploy" again.`;
  throw new AppError('invalid-request', message);
}

function checkModel(model: string | undefined): string | undefined {
  if (model === undefined || MODEL.test(model)) return model;
  const message = `${model} is not the name of a model on the hub, such as syzhang0805/disback. A package on this disk is given as a folder: "onestep deploy FOLDER".`;
  throw new AppError('invalid-request', message);
}

function checkBudget(budget: number | string | undefined): number | undefined {
  if (budget === undefined) return undefined;
  const dollars = Number(budget);
  if (Number.isSafeInteger(dollars) && dollars >= 1 && dollars <= 1_000_000) return dollars;
  const message = `${budget} is not a budget: whole dollars from 1 to 1000000.`;
  throw new AppError('invalid-request', message);
}

/** The answers that options give. */
export const answersOf = (options: {
  readonly region?: string | undefined;
  readonly email?: string | undefined;
  readonly model?: string | undefined;
  readonly budget?: number | undefined;
}): Answers =>
  defined({
    region: options.region,
    email: options.email,
    model: options.model,
    budget: options.budget,
  });
