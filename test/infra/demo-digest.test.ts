import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseSettings } from '#shared/deployment/settings.ts';
import { type DemoPackage, importDemo } from '#test/helpers/demo-package.ts';
import { COMMITTED_CONTEXT } from '#test/helpers/synthesise.ts';

let demo: DemoPackage;
beforeAll(async () => {
  demo = await importDemo('fp16');
});
afterAll(() => demo.remove());

it('cdk.json deploys the demo model as it is imported for a GPU now', () => {
  const [model] = parseSettings(COMMITTED_CONTEXT).models;
  expect(model?.digest, 'put the new digest into cdk.json').toBe(demo.manifest.digest);
});
