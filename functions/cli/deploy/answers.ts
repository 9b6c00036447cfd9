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
  /** Asks at a terminal; absent where nobody wants to be asked. */
  readonly ask?: (question: string) => Promise<string>;
  /** Tells who was asked what is wrong with an answer. */
  readonly say: (line: string) => void;
  /** The settings as cdk.json and the notes have them now. */
  readonly settings: () => DeploymentSettings;
  /** Whether a key was noted for this stage. */
  readonly isNoted: (key: string) => boolean;
  readonly note: (notes: Readonly<Record<string, unknown>>) => void;
  /** @throws AppError `invalid-request` for a model that the hub does not have, or no build can import */
  readonly assertOnHub: (model: string) => Promise<void>;
}

/** `OWNER/NAME`, perhaps of a revision; nothing in it means anything to a shell. */
const MODEL = /^[A-Za-z0-9][\w.-]*\/[A-Za-z0-9][\w.-]*(@[\w.-]+)?$/;

/** The model that is here already: it takes back one of the hub that has not been imported yet. */
const DEMO = 'demo';

const REGION_QUESTION = 'Region of AWS';
const EMAIL_QUESTION = 'E-mail address for alarms and the kill switch (empty: none)';
const MODEL_QUESTION =
  'Model: OWNER/NAME on Hugging Face, such as syzhang0805/disback (empty: the demo)';
const BUDGET_QUESTION = "The month's budget in dollars, at which the GPUs are turned off";

/**
 * Notes what the options say, and asks for what a first deployment has to know and they do not say. Each
 * answer is noted at once, so that nobody is asked twice; one that does not work is asked for again.
 *
 * @throws AppError `invalid-request` for an option that does not work; `conflict` where cdk.json says
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
  const settle = async <Value>(question: Question<Value>) => {
    const { key, given, isKnown = deps.isNoted(key), check } = question;
    const value =
      given !== undefined
        ? await check(given)
        : ask && !isKnown
          ? await askUntil({ ask, say: deps.say }, question)
          : undefined;
    if (value === undefined) return;
    deps.note({ [key]: value === DEMO ? undefined : value });
    if (value !== DEMO) assertTaken(deps.settings(), key, value);
  };

  await settle({
    key: 'region',
    given: options.region,
    text: REGION_QUESTION,
    otherwise: before.region,
    check: checkRegion,
  });
  await settle({
    key: 'alarmEmail',
    given: options.email,
    isKnown: before.alarmEmail !== undefined,
    text: EMAIL_QUESTION,
    check: checkEmail,
  });
  await settle({
    key: 'importing',
    given: options.model,
    isKnown: deps.isNoted('models') || before.importing !== undefined,
    text: MODEL_QUESTION,
    check: (model) => checkModel(deps, model),
  });
  await settle({
    key: 'monthlyBudgetUsd',
    given: options.budget?.toString(),
    text: BUDGET_QUESTION,
    otherwise: String(before.monthlyBudgetUsd),
    check: checkBudget,
  });
  return deps.settings();
}

/** A thing that a first deployment has to know. */
interface Question<Value> {
  /** The setting that the answer becomes. */
  readonly key: string;
  /** What an option says. */
  readonly given: string | undefined;
  /** Whether there is an answer already. Default: whether one was noted. */
  readonly isKnown?: boolean;
  readonly text: string;
  /** What an empty answer means; nothing is noted without. */
  readonly otherwise?: string;
  /** @throws AppError `invalid-request` for an answer that does not work */
  readonly check: (answer: string) => Value | Promise<Value>;
}

async function askUntil<Value>(
  { ask, say }: Required<Pick<AnswersDeps, 'ask' | 'say'>>,
  { text, otherwise, check }: Question<Value>,
): Promise<Value | undefined> {
  const prompt = otherwise === undefined ? `${text}: ` : `${text} [${otherwise}]: `;
  for (;;) {
    const answer = (await ask(prompt)).trim() || otherwise;
    if (answer === undefined) return undefined;
    try {
      return await check(answer);
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'invalid-request') throw error;
      say(`   ${error.message}`);
    }
  }
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

function checkRegion(region: string): string {
  if ((REGIONS as readonly string[]).includes(region)) return region;
  const message = `${region} is not a region that has all that is needed. Choose one of ${REGIONS.join(', ')}.`;
  throw new AppError('invalid-request', message);
}

function checkEmail(email: string): string {
  if (z.email().safeParse(email).success) return email;
  throw new AppError('invalid-request', `${email} is not an e-mail address.`);
}

async function checkModel({ assertOnHub }: AnswersDeps, model: string): Promise<string> {
  if (model === DEMO) return model;
  if (!MODEL.test(model)) {
    throw new AppError(
      'invalid-request',
      `${model} is not the name of a model on the hub, such as syzhang0805/disback. A package on this disk is given as a folder: "onestep deploy FOLDER".`,
    );
  }
  await assertOnHub(model);
  return model;
}

function checkBudget(budget: string): number {
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
