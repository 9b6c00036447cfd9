import { createWriteStream, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { cacheFolder, installOnce, installPython, runToEnd } from '#test/helpers/install-once.ts';
import { installNode, NODE_24 } from '#test/helpers/node24.ts';

const OPENAPI_GENERATOR = '7.25.0';
const OAPI_CODEGEN = 'v2.8.2';
const MAVEN = 'https://repo1.maven.org/maven2/org/openapitools/openapi-generator-cli';
const PYTHON = [
  'openapi-python-client==0.29.1',
  'pydantic==2.12.5',
  'python-dateutil==2.9.0.post0',
  'urllib3==2.6.3',
];
const NODE = ['@hey-api/openapi-ts@0.99.0', 'orval@8.38.0', 'typescript@5.9.3', NODE_24];

const folderOf = (name: string) => join(cacheFolder('onestep-generators'), name);

/** The Maven jar of openapi-generator. */
export async function openApiGenerator(): Promise<string> {
  const folder = folderOf(`openapi-generator-${OPENAPI_GENERATOR}`);
  const jar = join(folder, 'cli.jar');
  await installOnce(folder, async () => {
    const url = `${MAVEN}/${OPENAPI_GENERATOR}/openapi-generator-cli-${OPENAPI_GENERATOR}.jar`;
    const answer = await fetch(url);
    if (!answer.ok || answer.body === null) throw new Error(`${url}: ${answer.status}`);
    await pipeline(Readable.fromWeb(answer.body as never), createWriteStream(`${jar}.part`));
    renameSync(`${jar}.part`, jar);
  });
  return jar;
}

/** A virtual environment with openapi-python-client, and what the other Python client imports. */
export async function pythonTools(): Promise<string> {
  const folder = folderOf(PYTHON.join('-').replaceAll('==', '-'));
  await installOnce(folder, (empty) => installPython(empty, PYTHON));
  return join(folder, 'bin');
}

/** A folder of packages with hey-api's generator and orval, and a Node that runs them. */
export async function nodeTools(): Promise<string> {
  const folder = folderOf(NODE.join('-').replaceAll(/[@/]/g, '_'));
  await installOnce(folder, async (empty) => {
    writeFileSync(join(empty, 'package.json'), '{ "private": true, "type": "module" }');
    await installNode(empty, ...NODE);
  });
  return folder;
}

/** oapi-codegen's program. */
export async function oapiCodegen(): Promise<string> {
  const folder = folderOf(`oapi-codegen-${OAPI_CODEGEN}`);
  await installOnce(folder, async (empty) => {
    mkdirSync(empty, { recursive: true });
    const path = 'github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen';
    const env = { ...process.env, GOBIN: empty, GOFLAGS: '-mod=mod' };
    await runToEnd('go', ['install', `${path}@${OAPI_CODEGEN}`], { env });
  });
  return join(folder, 'oapi-codegen');
}
