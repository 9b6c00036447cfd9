import { AppError } from '#shared/core/errors.ts';
import { chooseFile, chooseFiles } from '#shared/engine/hub/choose-files.ts';
import { type HubReference, parseHubReference } from '#shared/engine/hub/hub-reference.ts';
import { describeRepository, type HubAccess } from '#shared/engine/hub/hub-repository.ts';
import { recipeOnHub, unetRepository } from '#shared/engine/package/known-models.ts';
import { PARTS } from '#shared/engine/package/repository.ts';

/** A look from here must not take longer than a person waits. */
const PATIENCE = { stallMs: 10_000, retryDelayMs: 100 };

export interface AssertOnHubDeps {
  /** How the build reaches the hub: in the account, without a token. */
  readonly access: Omit<HubAccess, keyof typeof PATIENCE>;
  readonly say: (line: string) => void;
}

/**
 * Looks at the hub for a model before a build in the account does, which would fail minutes later. Where the
 * hub can't be reached from here, the build has to find out.
 *
 * @param model `OWNER/NAME[@REVISION]`
 * @throws AppError `invalid-request` for a model that is not there, or that no build can import
 */
export async function assertOnHub(deps: AssertOnHubDeps, model: string): Promise<void> {
  try {
    await assertImportable(model, { ...deps.access, ...PATIENCE });
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'unavailable') throw error;
    deps.say(`   not looked up on the hub, since this machine can't: ${error.message}`);
  }
}

async function assertImportable(model: string, access: HubAccess): Promise<void> {
  const known = unetRepository(model);
  const reference = parseHubReference(known?.base ?? model);
  const unet = known && parseHubReference(known.unet);
  if (reference === undefined) return;
  const repository = await describe(reference, access);
  const source = unet && (await describe(unet, access));
  try {
    const weights = PARTS.filter((part) => unet === undefined || part !== 'unet');
    chooseFiles(repository, { weights, dtype: 'fp16' });
    if (source !== undefined) chooseFile(source, unet?.file, 'unet');
  } catch (cause) {
    if (!(cause instanceof AppError)) throw cause;
    throw notImportable(cause.message, cause);
  }
  const isDeclared = repository.files.some(({ path }) => path === 'onestep.json');
  if (known !== undefined || isDeclared) return;
  if (recipeOnHub(reference.repository, reference.file) !== undefined) return;
  throw notImportable(`${model} is not known to make images in one step.`);
}

/** What a build without options can't import may still be imported by hand. */
const notImportable = (problem: string, cause?: unknown): AppError =>
  new AppError(
    'invalid-request',
    `${problem} If it needs options, import it on this machine ("onestep import --help"), then run "onestep deploy FOLDER".`,
    { cause },
  );

/** To those without a token the hub does not say whether a repository is missing or private. */
async function describe(reference: HubReference, access: HubAccess) {
  try {
    return await describeRepository(reference, access);
  } catch (cause) {
    const { code } = cause as Partial<AppError>;
    if (code !== 'file-not-found' && code !== 'permission-denied') throw cause;
    const { repository, revision } = reference;
    const name = revision === 'main' ? repository : `${repository}@${revision}`;
    throw new AppError(
      'invalid-request',
      `The hub shows no model ${name}: it does not exist, or it needs a token. Look at the spelling; import one that needs a token on this machine ("HF_TOKEN=hf_… onestep import ${name} --dtype fp16 --out FOLDER"), then run "onestep deploy FOLDER".`,
      { cause },
    );
  }
}
