import { invalidInput } from '#functions/api/http/errors.ts';
import type { Catalog, CatalogModel } from '#shared/service/domain/catalog.ts';

/**
 * The model that a request names; the first one when it names none.
 *
 * @param path the member that names it
 * @throws AppError `invalid-input` that lists the models there are
 */
export function chooseModel(
  catalog: Catalog,
  reference: string | null | undefined,
  path = 'model',
): CatalogModel {
  const model = typeof reference === 'string' ? catalog.resolve(reference) : catalog.models[0];
  if (model !== undefined) return model;
  const names = catalog.models.map(({ name }) => name).join(', ');
  throw invalidInput([{ path, message: `is no model here; there is ${names}` }]);
}
