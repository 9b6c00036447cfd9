import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { hasProgram } from '#test/helpers/install-debian.ts';
import { runToEnd } from '#test/helpers/install-once.ts';
import { node24Of } from '#test/helpers/node24.ts';
import { type RealServer, startRealServer } from '#test/helpers/real-server.ts';
import { fromRoot } from '#test/helpers/root.ts';
import { nodeTools, oapiCodegen, openApiGenerator, pythonTools } from './tools.ts';

const USE = join(import.meta.dirname, 'use');
const TOOLS_MS = 600_000;
const folder = mkdtempSync(join(tmpdir(), 'onestep-generators-'));
const document = join(folder, 'openapi.json');
const into = (name: string): string => join(folder, name);

let server: RealServer;
beforeAll(async () => {
  server = await startRealServer();
  const answer = await fetch(`${server.url}/openapi.json`);
  writeFileSync(document, await answer.text());
});
afterAll(async () => {
  await server?.close();
  rmSync(folder, { recursive: true, force: true });
});

const run = (command: string, args: readonly string[], cwd = folder, env: NodeJS.ProcessEnv = {}) =>
  runToEnd(command, args, {
    cwd,
    env: { ...process.env, ONESTEP_URL: server.url, ONESTEP_KEY: server.keys.key, ...env },
  });

/** Generates with openapi-generator, the client alone. */
async function openApiGenerate(language: string, ...more: readonly string[]): Promise<string> {
  const out = into(`openapi-generator-${language}`);
  const parts = ['apiTests', 'modelTests', 'apiDocs', 'modelDocs'].map((part) => `${part}=false`);
  const words = ['generate', '-i', document, '-g', language, '-o', out];
  const only = ['--global-property', parts.join(',')];
  // What it generates is compiled below; its log would fill the screen.
  const quiet = ['-Dlog.level=error', '-jar', await openApiGenerator()];
  await run('java', [...quiet, ...words, ...only, ...more]);
  return out;
}

describe('Python', () => {
  const use = (script: string, bin: string, path: string) =>
    run(join(bin, 'python'), [join(USE, 'python', script)], folder, { PYTHONPATH: path });

  it(
    'openapi-python-client',
    async () => {
      const bin = await pythonTools();
      const out = into('openapi-python-client');
      const words = ['generate', '--path', document, '--output-path', out];
      const env = { PATH: `${bin}:${process.env['PATH']}` };
      await run(join(bin, 'openapi-python-client'), words, folder, env);
      await use('openapi_python_client.py', bin, out);
    },
    TOOLS_MS,
  );

  it.skipIf(!hasProgram('java'))(
    'openapi-generator',
    async () => {
      const bin = await pythonTools();
      await use('openapi_generator.py', bin, await openApiGenerate('python'));
    },
    TOOLS_MS,
  );
});

describe('TypeScript', () => {
  /** Compiles what was generated with its user, strictly, and runs that. */
  async function use(name: string, tools: string): Promise<void> {
    const project = into(name);
    cpSync(join(USE, 'typescript', `${name}.ts`), join(project, 'use.ts'));
    const compilerOptions = {
      strict: true,
      noEmit: true,
      target: 'ES2023',
      module: 'ESNext',
      moduleResolution: 'bundler',
      skipLibCheck: true,
      types: ['node'],
      typeRoots: [fromRoot('node_modules/@types')],
    };
    const files = ['use.ts'];
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
    await run(process.execPath, [join(tools, 'node_modules/typescript/bin/tsc'), '-p', project]);
    const outfile = join(project, 'use.mjs');
    const entryPoints = [join(project, 'use.ts')];
    await build({ entryPoints, outfile, bundle: true, platform: 'node', format: 'esm' });
    await run(node24Of(tools), [outfile]);
  }

  it(
    'hey-api',
    async () => {
      const tools = await nodeTools();
      mkdirSync(into('hey-api'));
      const words = ['-i', document, '-o', into('hey-api/generated'), '--silent'];
      const generator = join(tools, 'node_modules/@hey-api/openapi-ts/bin/run.js');
      await run(node24Of(tools), [generator, ...words], tools);
      await use('hey-api', tools);
    },
    TOOLS_MS,
  );

  it(
    'orval',
    async () => {
      const tools = await nodeTools();
      mkdirSync(into('orval/generated'), { recursive: true });
      const output = {
        target: into('orval/generated/index.ts'),
        client: 'fetch',
        baseUrl: server.url,
      };
      const config = into('orval.config.json');
      writeFileSync(config, JSON.stringify({ onestep: { input: document, output } }));
      const module = into('orval.config.mjs');
      writeFileSync(module, `export default ${readFileSync(config, 'utf8')};`);
      const generator = join(tools, 'node_modules/orval/dist/bin/orval.mjs');
      await run(node24Of(tools), [generator, '--config', module], tools);
      await use('orval', tools);
    },
    TOOLS_MS,
  );

  it.skipIf(!hasProgram('java'))(
    'openapi-generator, typescript-fetch',
    async () => {
      const out = await openApiGenerate('typescript-fetch');
      mkdirSync(into('typescript-fetch'));
      symlinkSync(out, into('typescript-fetch/generated'));
      await use('typescript-fetch', await nodeTools());
    },
    TOOLS_MS,
  );
});

describe.skipIf(!hasProgram('mvn'))('Java', () => {
  it(
    'openapi-generator',
    async () => {
      const out = await openApiGenerate('java', '--library', 'native');
      cpSync(join(USE, 'java/Use.java'), join(out, 'src/main/java/Use.java'));
      const goals = ['compile', 'dependency:build-classpath', '-Dmdep.outputFile=classpath.txt'];
      await run('mvn', ['--quiet', '--batch-mode', ...goals], out);
      const libraries = readFileSync(join(out, 'classpath.txt'), 'utf8').trim();
      await run('java', ['-cp', `${join(out, 'target/classes')}:${libraries}`, 'Use']);
    },
    TOOLS_MS,
  );
});

describe.skipIf(!hasProgram('go'))('Go', () => {
  /** Builds a client as the module `onestep/client` with its user, and runs that. */
  async function use(client: string, name: string): Promise<void> {
    writeFileSync(join(client, 'go.mod'), 'module onestep/client\n\ngo 1.23\n');
    cpSync(join(USE, name), join(client, 'use'), { recursive: true });
    const env = { GOFLAGS: '-mod=mod' };
    await run('go', ['mod', 'tidy'], client, env);
    await run('go', ['build', '-o', into(`${name}-use`), './use'], client, env);
    await run(into(`${name}-use`), []);
  }

  it.skipIf(!hasProgram('java'))(
    'openapi-generator',
    async () => {
      await use(await openApiGenerate('go'), 'go');
    },
    TOOLS_MS,
  );

  it(
    'oapi-codegen',
    async () => {
      const client = into('oapi-client');
      mkdirSync(client);
      const words = [
        '-generate',
        'types,client',
        '-package',
        'client',
        '-o',
        join(client, 'client.go'),
      ];
      await run(await oapiCodegen(), [...words, document]);
      await use(client, 'oapi');
    },
    TOOLS_MS,
  );
});
