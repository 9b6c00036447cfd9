import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { fromRoot } from '#test/helpers/root.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'onestep-imports-'));
  cpSync(fromRoot('package.json'), join(folder, 'package.json'));
  symlinkSync(fromRoot('node_modules'), join(folder, 'node_modules'));
  for (const name of ['functions', 'infra', 'test']) write(`${name}/empty.ts`, 'export {};');
  write('shared/core/value.ts', 'export const VALUE = 1;');
  write('shared/service/domain/rule.ts', "export { VALUE } from '#shared/core/value.ts';");
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(path: string, text: string): void {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${text}\n`);
}

function check(fewest = 1) {
  const words = [fromRoot('.ci/check-imports.mjs'), folder, String(fewest)];
  return spawnSync(process.execPath, words, { encoding: 'utf8' });
}

it('accepts imports along the arrows', () => {
  expect(check()).toMatchObject({ status: 0, stdout: '5 modules, 0 imports against the rules.\n' });
});

it('fails when it saw too few modules', () => {
  const { status, stdout } = check(6);
  expect(stdout).toContain('Only 5 modules were read, fewer than 6');
  expect(status).toBe(1);
});

it('names the rule and the file of every import against the direction', () => {
  write('functions/api/main.ts', 'export {};');
  write('infra/api/later.ts', 'export {};');
  write('functions/api/circle.ts', "import './circle-back.ts';");
  write('shared/adapters/memory/token-bucket-rate-limiter.ts', 'export {};');
  const offences = [
    ['functions/cli', 'functions/cli/main.ts', '#infra/empty.ts'],
    ['functions/edge', 'functions/edge/main.ts', '#functions/api/main.ts'],
    ['infra/data', 'infra/data/onward.ts', '#infra/api/later.ts'],
    ['no-circle', 'functions/api/circle-back.ts', './circle.ts'],
    ['not-to-test', 'infra/app.ts', '#test/empty.ts'],
    [
      'one-limit-for-all',
      'functions/api/limit.ts',
      '#shared/adapters/memory/token-bucket-rate-limiter.ts',
    ],
    ['only-dependencies', 'functions/cli/tests.ts', 'vitest'],
    ['resolvable', 'functions/api/resolve.ts', './gone.ts'],
    ['service-is-pure', 'shared/service/domain/web.ts', 'hono'],
    ['service-without-node', 'shared/service/ports/file.ts', 'node:fs'],
    ['shared/core', 'shared/core/upward.ts', '#shared/service/domain/rule.ts'],
  ] as const;
  for (const [, path, imported] of offences) write(path, `import '${imported}';`);
  const { status, stdout } = check();
  const lines = stdout.trim().split('\n');
  const said = lines.slice(0, -1).map((line) => line.replace(/ → .*/, ''));
  expect(said.sort()).toEqual(offences.map(([rule, path]) => `${rule}: ${path}`));
  expect(lines.at(-1)).toContain('11 imports against the rules');
  expect(status).toBe(1);
});
