import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder, installPython } from './install-once.ts';

const CFN_LINT = '1.58.0';

/** CloudFormation's schema of a resource type, as far as changes depend on it. */
export interface ResourceSchema {
  /** JSON pointers of properties whose change makes another resource: `/properties/Name`. */
  readonly createOnlyProperties?: readonly string[];
  readonly primaryIdentifier: readonly string[];
}

export interface CfnLint {
  /** The command. */
  readonly program: string;
  /** Every resource type of a region, by name; undefined for one that it does not have. */
  schema(region: string, type: string): ResourceSchema | undefined;
}

/** AWS's linter for templates, which carries the registry's schemas of every region (PyPI). */
export async function installCfnLint(): Promise<CfnLint> {
  const folder = cacheFolder('onestep-cfn-lint');
  const program = join(folder, 'bin', 'cfn-lint');
  if (!existsSync(program)) {
    await mkdir(folder, { recursive: true });
    await installPython(folder, [`cfn-lint==${CFN_LINT}`]);
  }
  const lib = join(folder, 'lib');
  const python = readdirSync(lib).find((name) => name.startsWith('python3')) ?? '';
  const schemas = join(lib, python, 'site-packages', 'cfnlint', 'data', 'schemas');
  const read = (path: string) => JSON.parse(readFileSync(join(schemas, path), 'utf8'));
  const regions = new Map<string, Record<string, string>>();
  return {
    program,
    schema(region, type) {
      const known = regions.get(region) ?? read(join('providers', `${region}.json`));
      regions.set(region, known);
      const file = known[type];
      return file === undefined ? undefined : read(join('resources', `${file}.json`));
    },
  };
}
