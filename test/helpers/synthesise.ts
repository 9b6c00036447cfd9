import { App } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { BUNDLE_NAMES } from '#infra/bundles.ts';
import { createDeployment, type Deployment, type DeploymentCode } from '#infra/deployment.ts';
import { parseSettings } from '#shared/deployment/settings.ts';
import { fromRoot, readFromRoot } from './root.ts';

export { Match, Template };

export type Part = keyof Deployment;
export const PARTS: readonly Part[] = ['data', 'edge', 'gpu', 'api', 'webhooks', 'operations'];

export interface Synthesised {
  readonly deployment: Deployment;
  readonly templates: Readonly<Record<Part, Template>>;
}

export interface Resource {
  readonly Type: string;
  // biome-ignore lint/suspicious/noExplicitAny: a template's properties are whatever the type says.
  readonly Properties: any;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
  readonly DependsOn?: readonly string[];
}

const cache = new Map<string, Synthesised>();

/** The committed cdk.json's context. */
export const COMMITTED_CONTEXT: Readonly<Record<string, unknown>> = JSON.parse(
  readFromRoot('cdk.json'),
).context;

/**
 * Every template of a deployment with the committed context and these changes to it, once for each set
 * of changes. The functions' code is a fixture: bundles have tests of their own.
 */
export function synthesise(changes: Readonly<Record<string, unknown>> = {}): Synthesised {
  const key = JSON.stringify(changes);
  const known = cache.get(key);
  if (known !== undefined) return known;
  const app = new App({ context: { ...COMMITTED_CONTEXT, ...changes } });
  const folder = fromRoot('test/fixtures/lambda-code');
  const code = Object.fromEntries(
    BUNDLE_NAMES.map((name) => [name, Code.fromAsset(folder)]),
  ) as unknown as DeploymentCode;
  const settings = parseSettings(app.node.getAllContext());
  const deployment = createDeployment(app, settings, code, {
    drawing: () => Code.fromAsset(folder),
    buildSource: folder,
  });
  const assembly = app.synth();
  const templates = Object.fromEntries(
    PARTS.map((part) => [
      part,
      Template.fromJSON(assembly.getStackByName(deployment[part].stackName).template),
    ]),
  ) as unknown as Synthesised['templates'];
  const made = { deployment, templates };
  cache.set(key, made);
  return made;
}

/** Every resource of a template, or those of one type, by logical id. */
export function resourcesOf(template: Template, type?: string): Record<string, Resource> {
  const all = template.toJSON()['Resources'] as Record<string, Resource>;
  return Object.fromEntries(
    Object.entries(all).filter(([, resource]) => type === undefined || resource.Type === type),
  );
}

/** Every resource of every stack, with its stack's part. */
export function everyResource(made: Synthesised, type?: string): [Part, string, Resource][] {
  return PARTS.flatMap((part) =>
    Object.entries(resourcesOf(made.templates[part], type)).map(
      ([id, resource]): [Part, string, Resource] => [part, id, resource],
    ),
  );
}
