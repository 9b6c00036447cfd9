import { App } from 'aws-cdk-lib';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { parseSettings } from '#functions/cli/deploy/settings.ts';
import { BUNDLE_NAMES, bundleAll } from './bundles.ts';
import { createDeployment, type DeploymentCode } from './deployment.ts';
import { edgeSettings } from './stacks/edge-stack.ts';

const app = new App();
const settings = parseSettings(app.node.getAllContext());
const bundles = await bundleAll({ ...edgeSettings(settings) } as Record<string, string>);
const code = Object.fromEntries(
  BUNDLE_NAMES.map((name) => [name, Code.fromAsset(bundles[name].folder)]),
) as unknown as DeploymentCode;
createDeployment(app, settings, code);
app.synth();
