// What "npm pack" puts into the package: plain JavaScript and the pages' assets, so that nothing is
// compiled where it runs; the sources as an archive, from which "deploy" builds; and both lockfiles.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { compile } from '../../functions/cli/compile.mjs';
import { clean, DIST, ROOT, SHRINKWRAP } from './clean.mjs';
import { pruneLockfile } from './prune-lockfile.mjs';

/** What the CDK app needs of the packages for development, what it bundles included. */
const FOR_CDK = ['@img/sharp-wasm32', 'aws-cdk', 'aws-cdk-lib', 'cdk-nag', 'constructs'];
/** What runs, and what is deployed; tests and documents are not. */
const SOURCES = ['cdk.json', 'tsconfig.json', 'functions', 'infra', 'shared'];
const MODEL = ['models/demo/repo', 'models/demo/onestep_unet.bin'];

const readJson = (name) => JSON.parse(readFileSync(`${ROOT}/${name}`, 'utf8'));
const writeJson = (path, value) => writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`);
const only = (versions, names) => Object.fromEntries(names.map((name) => [name, versions[name]]));

clean();
mkdirSync(`${DIST}/project`, { recursive: true });
const manifest = readJson('package.json');
const lockfile = readJson('package-lock.json');

await compile(ROOT, DIST);
cpSync(`${ROOT}/cdk.json`, `${DIST}/cdk.json`);
for (const path of MODEL) cpSync(`${ROOT}/${path}`, `${DIST}/${path}`, { recursive: true });

const { devDependencies, ...rest } = manifest;
const project = { ...rest, devDependencies: only(devDependencies, FOR_CDK) };
writeJson(`${DIST}/project/package.json`, project);
writeJson(`${DIST}/project/package-lock.json`, pruneLockfile(lockfile, FOR_CDK));
cpSync(`${ROOT}/.npmrc`, `${DIST}/project/.npmrc`);
// As an archive, because npm leaves lockfiles and .npmrc out of packages.
const own = ['-C', `${DIST}/project`, 'package.json', 'package-lock.json', '.npmrc'];
execFileSync('tar', ['-czf', `${DIST}/project.tar.gz`, ...own, '-C', ROOT, ...SOURCES]);
clean('project');

writeJson(SHRINKWRAP, pruneLockfile(lockfile, []));
