import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseSettings } from '#functions/cli/deploy/settings.ts';
import { type DemoPackage, importDemo } from '../helpers/demo-package.ts';
import { COMMITTED_CONTEXT } from '../helpers/synthesise.ts';

let demo: DemoPackage;
beforeAll(async () => {
  demo = await importDemo('fp16');
});
afterAll(() => demo.remove());

it('cdk.json deploys the demo model as it is imported for a GPU now', () => {
  const [model] = parseSettings(COMMITTED_CONTEXT).models;
  expect(model?.digest, 'put the new digest into cdk.json').toBe(demo.manifest.digest);
});
