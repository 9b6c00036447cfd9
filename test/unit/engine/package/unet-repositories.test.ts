import { expect, it } from 'vitest';
import { parseHubReference } from '#shared/engine/hub/hub-reference.ts';
import { recipeOnHub, unetRepository } from '#shared/engine/package/known-models.ts';

it.each([
  'syzhang0805/disback',
  'SYZhang0805/DisBack',
  'tianweiy/DMD2',
  'ByteDance/SDXL-Lightning',
  'ByteDance/Hyper-SD',
])('%s by itself is a UNet whose recipe is known, on SDXL base', (repository) => {
  const found = unetRepository(repository);
  expect(found?.base).toBe('stabilityai/stable-diffusion-xl-base-1.0');
  const reference = parseHubReference(found?.unet ?? '');
  expect(reference?.repository.toLowerCase()).toBe(repository.toLowerCase());
  expect(recipeOnHub(reference?.repository ?? '', reference?.file)).toBeDefined();
});

it('whole repositories are not, nor those with several one-step UNets', () => {
  for (const name of ['stabilityai/sdxl-turbo', 'chendy/nitrofusion', 'constructor/prototype']) {
    expect(unetRepository(name)).toBeUndefined();
  }
});
