import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { DataStack } from '#infra/data/data-stack.ts';
import { parseSettings } from '#shared/deployment/settings.ts';
import { COMMITTED_CONTEXT, resourcesOf } from '#test/helpers/synthesise.ts';
import type { Buildspec } from './buildspec-runner.ts';

export interface SynthesisedProject {
  readonly spec: Buildspec;
  /** Variables with a value of their own; the others refer to resources. */
  readonly variables: Readonly<Record<string, string>>;
  /** The folder that the CDK would upload. */
  readonly source: string;
  remove(): void;
}

/** The build project as `cdk synth` makes it, with its sources. */
export function synthesiseProject(): SynthesisedProject {
  const outdir = mkdtempSync(join(tmpdir(), 'onestep-project-'));
  const app = new App({ context: COMMITTED_CONTEXT, outdir });
  const stack = new DataStack(app, parseSettings(app.node.getAllContext()));
  const assembly = app.synth();
  const { template } = assembly.getStackByName(stack.stackName);
  const [project] = Object.values(
    resourcesOf(Template.fromJSON(template), 'AWS::CodeBuild::Project'),
  );
  const { Environment: environment, Source: source } = project?.Properties ?? {};
  const location = JSON.stringify(source.Location);
  const [, hash] = /([0-9a-f]{64})\.zip/.exec(location) ?? [];
  const variables = environment.EnvironmentVariables as { Name: string; Value: unknown }[];
  const manifest = JSON.parse(
    readFileSync(join(outdir, `${stack.artifactId}.assets.json`), 'utf8'),
  );
  return {
    spec: JSON.parse(source.BuildSpec),
    variables: Object.fromEntries(
      variables.flatMap(({ Name, Value }) => (typeof Value === 'string' ? [[Name, Value]] : [])),
    ),
    source: join(outdir, manifest.files[hash ?? ''].source.path),
    remove: () => rmSync(outdir, { recursive: true, force: true }),
  };
}
