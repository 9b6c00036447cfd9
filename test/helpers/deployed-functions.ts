import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { BUNDLE_NAMES, type BundleName, bundleAll } from '#infra/bundles.ts';
import { createDeployment, type DeploymentCode } from '#infra/deployment.ts';
import { edgeSettings } from '#infra/edge/edge-stack.ts';
import { parseSettings } from '#shared/deployment/settings.ts';
import type { DeployedFunction } from '#test/stand-ins/lambda/deployed-function.ts';
import { COMMITTED_CONTEXT } from './synthesise.ts';

/** A function of the templates; variables that refer to a resource have that resource in `refers`. */
export interface SynthesisedFunction extends DeployedFunction {
  /** Variables whose values exist only once the stacks do. */
  readonly refers: readonly string[];
  /** The most copies at one time, where the template reserves them. */
  readonly reservedConcurrency: number | undefined;
}

/** A file that only the code of functions that draw has. */
const DRAWING_ENTRY = 'functions/gpu/lambda/main.ts';

export interface DeployedFunctions {
  readonly functions: Readonly<Record<BundleName, SynthesisedFunction>>;
  /** The function that draws, where a model has one. */
  readonly drawing: SynthesisedFunction | undefined;
  remove(): void;
}

/**
 * Synthesises a deployment with its real bundles, as `cdk synth` does, and reads every function back from
 * the templates and their assets.
 */
export async function synthesiseFunctions(
  changes: Readonly<Record<string, unknown>>,
): Promise<DeployedFunctions> {
  const outdir = mkdtempSync(join(tmpdir(), 'onestep-assembly-'));
  // The CDK's command line asks for the places of assets, too.
  const context = { ...COMMITTED_CONTEXT, ...changes, 'aws:cdk:enable-asset-metadata': true };
  const app = new App({ context, outdir });
  const settings = parseSettings(app.node.getAllContext());
  const bundles = await bundleAll({ ...edgeSettings(settings) } as Record<string, string>);
  const code = Object.fromEntries(
    BUNDLE_NAMES.map((name) => [name, Code.fromAsset(bundles[name].folder)]),
  ) as unknown as DeploymentCode;
  createDeployment(app, settings, code);
  app.synth();
  const entries = BUNDLE_NAMES.map((name) => [name, bundles[name].folder] as const);
  return readFunctions(outdir, new Map(entries));
}

/**
 * Every function of an assembly that was synthesised.
 *
 * @param bundles the folders that the functions' bundles were in when it was
 */
export function readFunctions(
  outdir: string,
  bundles: ReadonlyMap<BundleName, string>,
): DeployedFunctions {
  const templates = readdirSync(outdir).filter((name) => name.endsWith('.template.json'));
  const found = templates.flatMap((name) =>
    lambdasOf(JSON.parse(readFileSync(join(outdir, name), 'utf8')), outdir),
  );
  const functions = Object.fromEntries(
    [...bundles].map(([name, bundle]) => {
      const text = readFileSync(join(bundle, 'index.mjs'), 'utf8');
      const fn = found.find(({ folder }) => textOf(folder) === text);
      if (fn === undefined) throw new Error(`No template has the bundle of ${name}.`);
      return [name, { ...fn, name }];
    }),
  ) as unknown as DeployedFunctions['functions'];
  const drawing = found.find(({ folder }) => existsSync(join(folder, DRAWING_ENTRY)));
  return { functions, drawing, remove: () => rmSync(outdir, { recursive: true, force: true }) };
}

// biome-ignore lint/suspicious/noExplicitAny: a template's properties are whatever the type says.
function lambdasOf(template: any, outdir: string): SynthesisedFunction[] {
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  const resources = Object.entries<any>(template.Resources);
  return resources
    .filter(([, { Type }]) => Type === 'AWS::Lambda::Function')
    .map(([id, { Properties: properties, Metadata: metadata }]) => {
      const variables: [string, unknown][] = Object.entries(
        properties.Environment?.Variables ?? {},
      );
      return {
        name: id,
        folder: resolve(outdir, metadata?.['aws:asset:path'] ?? ''),
        handler: properties.Handler,
        environment: Object.fromEntries(
          variables.filter((pair): pair is [string, string] => typeof pair[1] === 'string'),
        ),
        refers: variables.filter(([, value]) => typeof value !== 'string').map(([name]) => name),
        memoryMib: properties.MemorySize,
        timeoutSeconds: properties.Timeout,
        logFormat: properties.LoggingConfig?.LogFormat ?? 'Text',
        reservedConcurrency: properties.ReservedConcurrentExecutions,
      };
    });
}

function textOf(folder: string): string | undefined {
  try {
    return readFileSync(join(folder, 'index.mjs'), 'utf8');
  } catch {
    return undefined;
  }
}

/** The function with what its stacks would have put into its variables, and where AWS is instead. */
export function withValues(
  fn: SynthesisedFunction,
  values: Readonly<Record<string, string>>,
  endpoints: Readonly<Record<string, string>>,
): DeployedFunction {
  const referred = fn.refers.map((name) => {
    const value = values[name];
    if (value === undefined) throw new Error(`${fn.name}: nothing to put into ${name}.`);
    return [name, value];
  });
  return {
    ...fn,
    environment: { ...fn.environment, ...Object.fromEntries(referred), ...endpoints },
  };
}
