import { createHash } from 'node:crypto';
import { cpSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { hasProgram } from '#test/helpers/install-debian.ts';
import { cacheFolder, installOnce, installPython, runToEnd } from '#test/helpers/install-once.ts';
import { installNode, NODE_24, node24Of } from '#test/helpers/node24.ts';
import { type RealServer, startRealServer } from '#test/helpers/real-server.ts';
import { startTlsProxy, type TlsProxy } from '#test/helpers/tls-proxy.ts';

/** Names that the quick starts have built in. */
const NAMES = ['gpt-image-1', 'gpt-image-2', 'dall-e-3'];
const HERE = import.meta.dirname;
const TOOLS_MS = 600_000;

let server: RealServer;
let proxy: TlsProxy;
beforeAll(async () => {
  const aliases = Object.fromEntries(NAMES.map((name) => [name, 'onestep/demo']));
  server = await startRealServer({ aliases: aliases as never });
  proxy = await startTlsProxy(server.url);
});
afterAll(async () => {
  await proxy?.stop();
  await server?.close();
});

/** Runs a quick start; it fails by its exit code. */
const run = (command: string, args: readonly string[], cwd = HERE) =>
  runToEnd(command, args, {
    cwd,
    env: {
      ...process.env,
      ONESTEP_URL: server.url,
      ONESTEP_KEY: server.keys.key,
      ONESTEP_TLS_HOST: proxy.host,
      SSL_CERT_FILE: proxy.certificate,
    },
  });

/** What a language's quick starts need, in a folder named after everything that goes into it. */
async function prepared(
  language: string,
  install: (folder: string, source: string) => Promise<void>,
): Promise<string> {
  const source = join(HERE, language);
  const digest = createHash('sha256');
  for (const name of readdirSync(source, { recursive: true, encoding: 'utf8' }).sort()) {
    if (/\.\w+$/.test(name)) digest.update(name).update(readFileSync(join(source, name)));
  }
  const folder = join(
    cacheFolder('onestep-quickstarts'),
    language,
    digest.digest('hex').slice(0, 16),
  );
  await installOnce(folder, (empty) => install(empty, source));
  return folder;
}

describe('JavaScript, under Node 24', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await prepared('js', async (empty, source) => {
      cpSync(source, empty, { recursive: true });
      await installNode(empty, NODE_24);
    });
  }, TOOLS_MS);

  it.each([
    ['openai 6', 'openai.mjs', 'openai-6'],
    ['openai 7', 'openai.mjs', 'openai-7'],
    ['AI SDK 6', 'ai-sdk.mjs', 'ai-6', 'ai-sdk-openai-compatible-2', 'ai-sdk-replicate-2'],
    ['AI SDK 7', 'ai-sdk.mjs', 'ai-7', '@ai-sdk/openai-compatible', '@ai-sdk/replicate'],
    ['LangChain', 'langchain.mjs'],
  ])('%s', (_name, script, ...packages) => run(node24Of(folder), [script, ...packages], folder));
});

describe('Python', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await prepared('python', (empty, source) =>
      installPython(empty, ['--requirement', join(source, 'requirements.txt')]),
    );
  }, TOOLS_MS);

  const scripts = readdirSync(join(HERE, 'python')).filter((name) => name.endsWith('.py'));
  it.each(scripts)('%s', (name) =>
    run(join(folder, 'bin', 'python'), ['-I', join(HERE, 'python', name)]),
  );
});

describe.skipIf(!hasProgram('go'))('Go', () => {
  it(
    'openai-go',
    async () => {
      const folder = await prepared('go', (empty, source) =>
        runToEnd('go', ['build', '-o', join(empty, 'quickstart'), '.'], { cwd: source }),
      );
      await run(join(folder, 'quickstart'), []);
    },
    TOOLS_MS,
  );
});

describe.skipIf(!hasProgram('mvn'))('Java', () => {
  it(
    'openai-java, with response validation',
    async () => {
      const folder = await prepared('java', async (empty, source) => {
        cpSync(source, empty, { recursive: true });
        const goals = ['compile', 'dependency:build-classpath', '-Dmdep.outputFile=classpath.txt'];
        await runToEnd('mvn', ['--quiet', '--batch-mode', ...goals], { cwd: empty });
      });
      const libraries = readFileSync(join(folder, 'classpath.txt'), 'utf8').trim();
      await run('java', ['-cp', `${join(folder, 'target/classes')}:${libraries}`, 'QuickStart']);
    },
    TOOLS_MS,
  );
});

// Its build alone takes two minutes: `ONESTEP_SLOW_CLIENTS=1 npm run test:clients`.
describe.skipIf(!hasProgram('cargo') || process.env['ONESTEP_SLOW_CLIENTS'] !== '1')('Rust', () => {
  it(
    'async-openai',
    async () => {
      const folder = await prepared('rust', (empty, source) =>
        runToEnd('cargo', ['build', '--quiet', '--locked', '--target-dir', empty], { cwd: source }),
      );
      await run(join(folder, 'debug', 'quickstart'), []);
    },
    TOOLS_MS,
  );
});
