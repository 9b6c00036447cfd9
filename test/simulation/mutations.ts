import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '#test/helpers/root.ts';

interface Mutation {
  readonly name: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
  /** The test that notices, where the simulation does not. */
  readonly heldBy?: string;
}

const SQLITE = 'shared/adapters/sqlite';
const DOMAIN = 'shared/service/domain';

/** Rules taken back: each must be missed by somebody in the simulation. */
const MUTATIONS: readonly Mutation[] = [
  {
    name: 'settlement without its condition',
    file: `${SQLITE}/job-end.ts`,
    from: 'if (job === undefined || !isSettleable(job, settlement.from))',
    to: 'if (job === undefined)',
  },
  {
    name: 'capture without release',
    file: `${SQLITE}/job-end.ts`,
    from: 'ledger.moveMoney(job.account, rest, -job.hold)',
    to: 'ledger.moveMoney(job.account, 0, -job.hold)',
  },
  {
    name: 'released credit not put back into its grants',
    file: `${SQLITE}/job-end.ts`,
    from: 'if (rest > 0) credit.putBack',
    to: 'if (rest < 0) credit.putBack',
  },
  {
    name: 'outbox outside the transaction',
    file: `${SQLITE}/job-end.ts`,
    from: 'for (const entry of settlement.outbox) addOutbox(entry);',
    to: '',
  },
  {
    name: 'admission without its check of funds',
    file: `${SQLITE}/job-admission.ts`,
    from: 'if (balance < job.hold)',
    to: 'if (balance < 0)',
  },
  {
    name: 'admission without taking credit from grants',
    file: `${SQLITE}/job-admission.ts`,
    from: 'credit.take(sources);',
    to: '',
  },
  {
    name: 'expired credit spent at admission',
    file: `${SQLITE}/job-admission.ts`,
    from: 'if (nextExpiry !== null && nextExpiry <= job.createdAt)',
    to: 'if (nextExpiry === 1)',
    heldBy: 'test/contract/ledger.ts',
  },
  {
    name: 'idempotency without the hash of the body',
    file: `${SQLITE}/job-admission.ts`,
    from: 'return found.bodyHash === job.bodyHash',
    to: 'return found.bodyHash !== undefined',
  },
  {
    name: 'idempotency record not written',
    file: `${SQLITE}/job-admission.ts`,
    from: 'if (idempotency !== undefined) putScope',
    to: 'if (idempotency === undefined) putScope',
  },
  {
    name: 'share of the queue off',
    file: `${SQLITE}/job-admission.ts`,
    from: 'if (own >= admission.accountQueueLimit)',
    to: 'if (own < 0)',
  },
  {
    name: 'grant without its id',
    file: `${SQLITE}/sqlite-ledger.ts`,
    from: 'if (row !== undefined) {\n      const entry = toEntry(row);',
    to: 'if (row === 1) {\n      const entry = toEntry(row);',
  },
  {
    name: 'lease without fencing: an old claim renews',
    file: `${SQLITE}/job-queue.ts`,
    from: "'WHERE id = ? AND attempts = ? AND lease_expires_at IS NOT NULL',\n",
    to: "'WHERE id = ? AND ?  > 0',\n",
  },
  {
    name: 'claims of a dead process not given back',
    file: `${SQLITE}/job-queue.ts`,
    from: 'giveBackExpired.run(now);',
    to: '',
  },
  {
    name: 'attempt counted before acceptance',
    file: `${DOMAIN}/settlement.ts`,
    from: "const refused = outcome.kind === 'refused';",
    to: 'const refused = false;',
  },
  {
    name: 'sweep blind to a late receipt',
    file: `${DOMAIN}/settlement.ts`,
    from: 'const receipt = await readStoredReceipt(job.id, blobs);\n    const known',
    to: 'const receipt = undefined;\n    const known',
  },
  {
    name: 'strays of late runs kept',
    file: `${DOMAIN}/settlement.ts`,
    from: 'if (ended !== undefined && isTerminal(ended.status)) await removeStrays',
    to: 'if (ended === undefined) await removeStrays',
  },
  {
    name: 'deadline not swept',
    file: `${DOMAIN}/sweep.ts`,
    from: 'const pastDeadline = job.deadline <= now;',
    to: 'const pastDeadline = false;',
  },
  {
    name: 'images charged without a look at storage',
    file: `${DOMAIN}/verdict.ts`,
    from: 'capture: multiplyUsd(job.price.perImage, delivered.length)',
    to: 'capture: multiplyUsd(job.price.perImage, ordered)',
  },
  {
    name: 'other events tell of the end',
    file: `${DOMAIN}/webhooks/events.ts`,
    from: "if (event === 'completed' || !isTerminal(job.status)) return job;",
    to: 'return job;',
  },
  {
    name: 'webhooks given up after one attempt',
    file: `${DOMAIN}/webhooks/deliver.ts`,
    from: 'await deps.outbox.recordAttempt(record, result);',
    to: 'await deps.outbox.recordAttempt(record, { next: "delivered" });',
  },
  {
    name: 'erasure leaves its files',
    file: `${DOMAIN}/settlement.ts`,
    from: 'for (const key of await blobs.list(outputPrefix(id))) await blobs.delete(key);',
    to: '',
  },
];

/** Runs the simulation over a copy of the code with each rule taken back; prints which are missed. */
export async function tryMutations(only: string): Promise<number> {
  const seeds = process.env['MUTATION_SEEDS'] ?? '100';
  const missed: string[] = [];
  const mutations = MUTATIONS.filter(({ name }) => name.includes(only));
  for (const mutation of mutations) {
    const begun = Date.now();
    const isCaught = tryOne(mutation, seeds);
    if (!isCaught && mutation.heldBy === undefined) missed.push(mutation.name);
    const seconds = Math.round((Date.now() - begun) / 1000);
    const how = isCaught ? 'caught' : `MISSED (held by ${mutation.heldBy ?? 'nothing'})`;
    process.stdout.write(`${how}  ${mutation.name} (${seconds} s)\n`);
  }
  process.stdout.write(`${missed.length} of ${mutations.length} held by nothing\n`);
  return missed.length === 0 ? 0 : 1;
}

function tryOne({ name, file, from, to }: Mutation, seeds: string): boolean {
  const copy = mkdtempSync(join(tmpdir(), 'onestep-mutation-'));
  try {
    for (const part of ['shared', 'test/helpers', 'test/simulation', 'package.json']) {
      cpSync(join(ROOT, part), join(copy, part), { recursive: true });
    }
    for (const part of ['vitest.config.ts', 'tsconfig.json'])
      cpSync(join(ROOT, part), join(copy, part));
    symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
    const path = join(copy, file);
    const source = readFileSync(path, 'utf8');
    if (source.split(from).length !== 2) throw new Error(`${name}: ${file} has changed`);
    writeFileSync(
      path,
      source.replace(from, () => to),
    );
    const words = ['vitest', 'run', '--project', 'simulation', '--reporter=dot'];
    const env = { ...process.env, SIMULATION_SEEDS: seeds, SIMULATION_SHRINK: '0' };
    const { status, stdout, stderr } = spawnSync('npx', words, {
      cwd: copy,
      env,
      encoding: 'utf8',
    });
    if (status === 0) return false;
    if (!/seed \d+ fails at step/.test(stderr)) throw new Error(`${name}: ${stdout}${stderr}`);
    return true;
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}
