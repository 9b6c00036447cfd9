import { nameOnHub } from '#functions/cli/import/source.ts';
import { AppError } from '#shared/core/errors.ts';
import { type ModelSettings, ModelSettingsSchema } from '#shared/deployment/model-settings.ts';
import { parseHubReference } from '#shared/engine/hub/hub-reference.ts';
import { unetRepository } from '#shared/engine/package/known-models.ts';
import type { Manifest } from '#shared/engine/package/manifest.ts';

/** The digest of a package that is still to be made. */
export const NOT_MADE = '0'.repeat(64);

/**
 * The settings of a model that is to be imported from the hub: what an earlier one of the same name had,
 * with a GPU.
 *
 * @param reference `OWNER/NAME[@REVISION]`
 * @throws AppError `invalid-request` for anything else
 */
export function plannedModel(reference: string, kept: readonly ModelSettings[]): ModelSettings {
  const parsed = parseHubReference(unetRepository(reference)?.unet ?? reference);
  if (parsed === undefined) {
    throw new AppError('invalid-request', `${reference} is not OWNER/NAME of a model on the hub.`);
  }
  const name = nameOnHub(parsed).join('/').toLowerCase();
  return modelOf(name, NOT_MADE, kept);
}

/** The settings of a model that was imported, by its package's own name. */
export function importedModel(
  { owner, name, digest }: Pick<Manifest, 'owner' | 'name' | 'digest'>,
  kept: readonly ModelSettings[],
): ModelSettings {
  return modelOf(`${owner ?? 'local'}/${name}`, digest, kept);
}

/** The models of a deployment with one more, or with one in place of that of its name. */
export function withModel(
  kept: readonly ModelSettings[],
  model: ModelSettings,
): readonly ModelSettings[] {
  return [...kept.filter(({ name }) => name !== model.name), model];
}

function modelOf(name: string, digest: string, kept: readonly ModelSettings[]): ModelSettings {
  const before = kept.find((model) => model.name === name);
  const result = ModelSettingsSchema.safeParse({ ...before, name, digest, compute: 'sagemaker' });
  if (result.success) return result.data;
  throw new AppError('invalid-request', `${name} can't be the name of a model here.`);
}
