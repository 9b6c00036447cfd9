import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '#test/helpers/root.ts';
import type { StoreName } from '#test/simulation/worlds/world.ts';
import { MUTATIONS } from './all.ts';
import type { Edit } from './mutation.ts';

const COPIED = [
  'shared',
  'functions',
  'test/helpers',
  'test/simulation',
  'package.json',
  'tsconfig.json',
];

/** A rule that was taken back can let a life go on for ever; one run takes a few minutes. */
const MOST_MS = 20 * 60_000;

/** Runs the simulation over a copy of the code with each rule taken back; prints which are missed. */
export async function tryMutations(only: string, store: string): Promise<number> {
  const copy = mkdtempSync(join(tmpdir(), 'onestep-mutation-'));
  try {
    for (const part of COPIED) cpSync(join(ROOT, part), join(copy, part), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
    let [tried, missed] = [0, 0];
    for (const { name, edits, heldBy } of MUTATIONS.filter((one) => one.name.includes(only))) {
      for (const [over, changes] of Object.entries(edits)) {
        if (!store.split(',').includes(over)) continue;
        const begun = Date.now();
        const end = tryOne(copy, over as StoreName, changes);
        tried++;
        if (end === 'missed' && heldBy === undefined) missed++;
        const seconds = Math.round((Date.now() - begun) / 1000);
        const how = end === 'missed' ? `MISSED (held by ${heldBy ?? 'nothing'})` : end;
        process.stdout.write(`${over}: ${name} (${seconds} s): ${how}\n`);
      }
    }
    if (tried === 0) throw new Error(`no mutation over ${store} has "${only}" in its name`);
    process.stdout.write(`${missed} of ${tried} held by nothing\n`);
    return missed === 0 ? 0 : 1;
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

/** Which seed notices, and by what. */
function tryOne(copy: string, store: StoreName, edits: readonly Edit[]): string {
  const originals = new Map<string, string>();
  for (const [file, from, to] of edits) {
    const path = join(copy, file);
    const source = readFileSync(path, 'utf8');
    if (!originals.has(path)) originals.set(path, source);
    if (source.split(from).length !== 2) throw new Error(`${file} has changed: ${from}`);
    writeFileSync(
      path,
      source.replace(from, () => to),
    );
  }
  try {
    const { MUTATION_SEEDS: seeds = '300', MUTATION_STEPS: steps = '150' } = process.env;
    // Alone: whatever a life does ends with the one process.
    const { status, signal, stdout, stderr } = spawnSync(
      process.execPath,
      [
        ...['--import', 'tsx', 'test/simulation/main.ts', '--alone'],
        ...['--store', store, '--seeds', seeds, '--steps', steps],
      ],
      { cwd: copy, encoding: 'utf8', timeout: MOST_MS, killSignal: 'SIGKILL' },
    );
    if (status === 0) return 'missed';
    if (signal === 'SIGKILL') return 'a life does not end';
    const [, said] = /(seed \d+ fails at step .*)/.exec(stderr) ?? [];
    if (said === undefined) throw new Error(`${edits[0]?.[0]}: ${stdout}${stderr}`);
    return said;
  } finally {
    for (const [path, source] of originals) writeFileSync(path, source);
  }
}
