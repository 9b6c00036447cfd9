import { afterAll, beforeAll } from 'vitest';
import { describeAiSdk } from '#test/clients/ai-sdk.ts';
import { describeFalClient } from '#test/clients/fal.ts';
import { describeMcpClient } from '#test/clients/mcp.ts';
import { describeOpenAiClient } from '#test/clients/openai.ts';
import { describeReplicateClient } from '#test/clients/replicate.ts';
import { asServed } from '#test/helpers/cloud.ts';
import { type DemoPackage, importDemo } from '#test/helpers/demo-package.ts';
import { type DeployedCloud, startDeployedCloud } from '#test/helpers/deployed-cloud.ts';
import { expectInvariant } from '#test/helpers/invariant.ts';

let demo: DemoPackage;
let cloud: DeployedCloud;

beforeAll(async () => {
  demo = await importDemo();
  cloud = await startDeployedCloud(demo);
}, 600_000);
afterAll(async () => {
  if (cloud !== undefined) await expectInvariant(cloud.system.ledger);
  await cloud?.stop();
  demo?.remove();
});

const start = async () => asServed(cloud);

describeReplicateClient("Lambda's runtime", start);
describeOpenAiClient("Lambda's runtime", start);
describeAiSdk("Lambda's runtime", start);
describeFalClient("Lambda's runtime", start);
describeMcpClient("Lambda's runtime", start);
