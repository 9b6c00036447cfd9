import type Database from 'libsql';
import { AppError } from '#shared/core/errors.ts';

/**
 * The tables, as steps from one version of the file to the next. A step that was released is never
 * edited. Times are milliseconds since the Unix epoch, money is micro-USD.
 */
const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE accounts (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    disabled_at INTEGER,
    balance INTEGER NOT NULL DEFAULT 0 CHECK (balance >= 0),
    held INTEGER NOT NULL DEFAULT 0 CHECK (held >= 0)
  ) STRICT, WITHOUT ROWID;

  -- Per account, the sum of what remains of its grants is its balance plus what is held (up to
  -- version 1 of the file; since then, its balance).
  CREATE TABLE grants (
    entry TEXT NOT NULL PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts (id),
    reference TEXT NOT NULL UNIQUE,
    remaining INTEGER NOT NULL CHECK (remaining >= 0),
    -- A grant without an end sorts behind all others.
    expires_at INTEGER NOT NULL DEFAULT 9007199254740991
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX grants_to_draw ON grants (account, expires_at, entry) WHERE remaining > 0;
  CREATE INDEX grants_to_expire ON grants (expires_at) WHERE remaining > 0;

  CREATE TABLE ledger (
    id TEXT NOT NULL PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts (id),
    kind TEXT NOT NULL CHECK (kind IN ('grant', 'hold', 'capture', 'release', 'expiry')),
    at INTEGER NOT NULL,
    amount INTEGER NOT NULL CHECK (amount >= 0),
    job TEXT,
    details TEXT NOT NULL
  ) STRICT;
  CREATE INDEX ledger_by_account ON ledger (account, id);
  CREATE UNIQUE INDEX ledger_one_hold ON ledger (job) WHERE kind = 'hold';
  CREATE UNIQUE INDEX ledger_one_end ON ledger (job) WHERE kind IN ('capture', 'release');

  CREATE TABLE jobs (
    id TEXT NOT NULL PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts (id),
    key TEXT NOT NULL,
    model TEXT NOT NULL,
    status TEXT NOT NULL
      CHECK (status IN ('starting', 'processing', 'succeeded', 'failed', 'canceled')),
    -- 1 while the job can be claimed.
    waiting INTEGER NOT NULL,
    rank INTEGER NOT NULL,
    body_hash TEXT NOT NULL,
    -- 0 until the create's answer was written, then 1; 2 while parked.
    answered INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    completed_at INTEGER,
    deadline INTEGER NOT NULL,
    attach_by INTEGER,
    cancel_requested_at INTEGER,
    data_removed_at INTEGER,
    -- The earliest of deadline, attach_by and cancel_requested_at.
    due_at INTEGER NOT NULL,
    -- How often the job was claimed: the token of its latest lease.
    attempts INTEGER NOT NULL DEFAULT 0,
    lease_expires_at INTEGER,
    hold INTEGER NOT NULL CHECK (hold >= 0),
    cost INTEGER,
    -- JSON: what is known at admission, and what the end brought.
    request TEXT NOT NULL,
    result TEXT
  ) STRICT;
  CREATE INDEX jobs_by_account ON jobs (account, id);
  CREATE INDEX jobs_waiting ON jobs (model, rank, id) WHERE waiting = 1;
  CREATE INDEX jobs_leased ON jobs (lease_expires_at) WHERE lease_expires_at IS NOT NULL;
  CREATE INDEX jobs_due ON jobs (due_at) WHERE completed_at IS NULL;
  CREATE INDEX jobs_unanswered ON jobs (key, body_hash, id) WHERE answered <> 1;
  CREATE INDEX jobs_removable ON jobs (completed_at)
    WHERE completed_at IS NOT NULL AND data_removed_at IS NULL;

  CREATE TABLE job_tags (
    account TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    job TEXT NOT NULL,
    PRIMARY KEY (account, name, value, job)
  ) STRICT, WITHOUT ROWID;

  -- The last rank that an account got per model; of account '', the rank last claimed.
  CREATE TABLE ranks (
    model TEXT NOT NULL,
    account TEXT NOT NULL,
    rank INTEGER NOT NULL,
    PRIMARY KEY (model, account)
  ) STRICT, WITHOUT ROWID;

  -- What a key has spent or holds in a UTC day ('2026-11-23') or month ('2026-11').
  CREATE TABLE budgets (
    key TEXT NOT NULL,
    period TEXT NOT NULL,
    spent INTEGER NOT NULL CHECK (spent >= 0),
    PRIMARY KEY (key, period)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE idempotency (
    scope TEXT NOT NULL PRIMARY KEY,
    job TEXT NOT NULL,
    expires_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX idempotency_by_expiry ON idempotency (expires_at);

  CREATE TABLE keys (
    id TEXT NOT NULL PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts (id),
    data TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX keys_by_account ON keys (account, id);

  CREATE TABLE audit (
    id TEXT NOT NULL PRIMARY KEY,
    account TEXT NOT NULL,
    data TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX audit_by_account ON audit (account, id);

  CREATE TABLE outbox (
    id TEXT NOT NULL PRIMARY KEY,
    account TEXT NOT NULL,
    job TEXT NOT NULL,
    event TEXT NOT NULL,
    url TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    next_attempt_at INTEGER,
    -- When a claimed entry may be claimed again.
    visible_at INTEGER,
    attempts INTEGER NOT NULL,
    delivered_at INTEGER,
    abandoned_at INTEGER
  ) STRICT;
  CREATE INDEX outbox_due ON outbox (visible_at) WHERE next_attempt_at IS NOT NULL;
  CREATE INDEX outbox_by_job ON outbox (job, created_at, id);
  CREATE INDEX outbox_by_account ON outbox (account, created_at, id);

  CREATE TABLE delivery_attempts (
    entry TEXT NOT NULL,
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    duration_ms REAL NOT NULL,
    status INTEGER,
    failure TEXT,
    PRIMARY KEY (entry, number)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE webhook_settings (
    account TEXT NOT NULL PRIMARY KEY,
    data TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE webhook_health (
    account TEXT NOT NULL,
    url TEXT NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (account, url)
  ) STRICT, WITHOUT ROWID;
  `,
  // A hold is taken from the grants when it is made, no more when it is captured. Per account, open
  // holds in the order of their ids lie over what is left of the grants in the order of their expiry.
  `
  ALTER TABLE jobs ADD COLUMN sources TEXT NOT NULL DEFAULT '[]';
  CREATE TABLE taken (job TEXT NOT NULL, entry TEXT NOT NULL, amount INTEGER NOT NULL);
  INSERT INTO taken
    WITH holds AS (
      SELECT id, account, hold, sum(hold) OVER (PARTITION BY account ORDER BY id) AS upto
      FROM jobs WHERE completed_at IS NULL
    ), credit AS (
      SELECT entry, account, remaining,
        sum(remaining) OVER (PARTITION BY account ORDER BY expires_at, entry) AS upto
      FROM grants WHERE remaining > 0
    )
    SELECT h.id, c.entry, min(h.upto, c.upto) - max(h.upto - h.hold, c.upto - c.remaining)
    FROM holds h JOIN credit c ON c.account = h.account
      AND h.upto > c.upto - c.remaining AND h.upto - h.hold < c.upto
    WHERE h.hold > 0
    ORDER BY c.upto;
  CREATE INDEX taken_by_job ON taken (job);
  UPDATE jobs SET sources = (
    SELECT json_group_array(json_array(entry, amount)) FROM taken WHERE job = jobs.id
  ) WHERE completed_at IS NULL;
  UPDATE grants SET remaining = remaining - t.amount
    FROM (SELECT entry, sum(amount) AS amount FROM taken GROUP BY entry) t
    WHERE t.entry = grants.entry;
  DROP TABLE taken;
  `,
  `
  -- JSON: how far a running job's webhooks have told it to be.
  ALTER TABLE jobs ADD COLUMN progress TEXT;
  `,
  `
  -- A rotated key names the key whose budget it shares as jobs do.
  UPDATE keys SET data = json_insert(json_remove(data, '$.root'), '$.budgetKey', data ->> '$.root')
    WHERE data ->> '$.root' IS NOT NULL;
  `,
  `
  -- How many claims came to nothing, since nobody took the job over.
  ALTER TABLE jobs ADD COLUMN refusals INTEGER NOT NULL DEFAULT 0;
  `,
  `
  -- How many running jobs an account has cancelled in the latest hour in which it did; hours count
  -- from the Unix epoch.
  CREATE TABLE running_cancels (
    account TEXT NOT NULL PRIMARY KEY,
    hour INTEGER NOT NULL,
    count INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- The ledger's sums, kept with it: reading them is not reading the ledger. Entries are never changed.
  CREATE TABLE ledger_sums (
    account TEXT NOT NULL,
    kind TEXT NOT NULL,
    amount INTEGER NOT NULL,
    PRIMARY KEY (account, kind)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO ledger_sums
    SELECT account, kind, sum(amount) FROM ledger WHERE kind IN ('grant', 'capture', 'expiry')
    GROUP BY account, kind;
  CREATE TRIGGER ledger_adds_up AFTER INSERT ON ledger WHEN NEW.kind IN ('grant', 'capture', 'expiry')
  BEGIN
    INSERT INTO ledger_sums VALUES (NEW.account, NEW.kind, NEW.amount)
      ON CONFLICT (account, kind) DO UPDATE SET amount = amount + excluded.amount;
  END;
  `,
  `
  -- 1 for a job that no list shows and that is erased soon.
  ALTER TABLE jobs ADD COLUMN preview INTEGER NOT NULL DEFAULT 0;
  DROP INDEX IF EXISTS jobs_by_account;
  CREATE INDEX jobs_by_account ON jobs (account, id) WHERE preview = 0;
  DROP INDEX IF EXISTS jobs_removable;
  CREATE INDEX jobs_removable ON jobs (preview, completed_at)
    WHERE completed_at IS NOT NULL AND data_removed_at IS NULL;
  `,
  `
  -- JSON: what pays for a job that no account has paid for before.
  ALTER TABLE jobs ADD COLUMN payment TEXT;
  -- Work of payers, and from network addresses, that is open or was not paid for on a day.
  CREATE TABLE unpaid_work (
    name TEXT NOT NULL PRIMARY KEY,
    open INTEGER NOT NULL CHECK (open >= 0),
    failed INTEGER NOT NULL,
    day TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX unpaid_work_over ON unpaid_work (day) WHERE open = 0;
  `,
  `
  -- What is sent of an account's event, which has no job ('').
  ALTER TABLE outbox ADD COLUMN body TEXT;
  CREATE TABLE account_hooks (
    account TEXT NOT NULL PRIMARY KEY,
    data TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- What is removed after some time is found by that time.
  CREATE INDEX jobs_removed ON jobs (completed_at) WHERE data_removed_at IS NOT NULL;
  CREATE INDEX outbox_over ON outbox (created_at) WHERE next_attempt_at IS NULL;
  ALTER TABLE webhook_health ADD COLUMN changed_at INTEGER NOT NULL DEFAULT 0;
  UPDATE webhook_health SET changed_at = 1000 * unixepoch();
  CREATE INDEX webhook_health_by_change ON webhook_health (changed_at);
  `,
  `
  -- Payments that are taken back. A CHECK can't be changed, so the ledger is copied; the trigger comes
  -- after the rows, whose sums are there.
  ALTER TABLE accounts ADD COLUMN owed INTEGER NOT NULL DEFAULT 0 CHECK (owed >= 0);
  CREATE TABLE new_ledger (
    id TEXT NOT NULL PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts (id),
    kind TEXT NOT NULL
      CHECK (kind IN ('grant', 'hold', 'capture', 'release', 'expiry', 'reversal', 'owed')),
    at INTEGER NOT NULL,
    amount INTEGER NOT NULL CHECK (amount >= 0),
    job TEXT,
    details TEXT NOT NULL
  ) STRICT;
  INSERT INTO new_ledger SELECT id, account, kind, at, amount, job, details FROM ledger ORDER BY id;
  DROP TABLE ledger;
  ALTER TABLE new_ledger RENAME TO ledger;
  CREATE INDEX ledger_by_account ON ledger (account, id);
  CREATE UNIQUE INDEX ledger_one_hold ON ledger (job) WHERE kind = 'hold';
  CREATE UNIQUE INDEX ledger_one_end ON ledger (job) WHERE kind IN ('capture', 'release');
  CREATE UNIQUE INDEX ledger_one_reversal ON ledger (details ->> '$.reference')
    WHERE kind = 'reversal';
  CREATE TRIGGER ledger_adds_up AFTER INSERT ON ledger
    WHEN NEW.kind IN ('grant', 'capture', 'expiry', 'reversal')
  BEGIN
    INSERT INTO ledger_sums VALUES (NEW.account, NEW.kind, NEW.amount)
      ON CONFLICT (account, kind) DO UPDATE SET amount = amount + excluded.amount;
  END;
  `,
  `
  CREATE TABLE invitations (
    id TEXT NOT NULL PRIMARY KEY,
    data TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  -- Below which balance an account is told so.
  ALTER TABLE accounts ADD COLUMN low_balance INTEGER;
  -- When it was deleted, and when all its data was gone.
  ALTER TABLE accounts ADD COLUMN deleted_at INTEGER;
  ALTER TABLE accounts ADD COLUMN erased_at INTEGER;
  CREATE INDEX accounts_to_erase ON accounts (deleted_at)
    WHERE deleted_at IS NOT NULL AND erased_at IS NULL;
  `,
  `
  -- What was charged, by all that usage is asked by; kept with the ledger, and left when that is compacted.
  CREATE TABLE usage_days (
    account TEXT NOT NULL,
    day TEXT NOT NULL,
    key TEXT NOT NULL,
    model TEXT NOT NULL,
    -- JSON, as the entries have it.
    tags TEXT NOT NULL,
    jobs INTEGER NOT NULL,
    images INTEGER NOT NULL,
    amount INTEGER NOT NULL,
    PRIMARY KEY (account, day, key, model, tags)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO usage_days
    SELECT account, date(at / 1000, 'unixepoch'), coalesce(details ->> '$.key', ''),
      coalesce(details ->> '$.model', ''), coalesce(details ->> '$.tags', '{}'),
      count(*), sum(coalesce(details ->> '$.images', 0)), sum(amount)
    FROM ledger WHERE kind = 'capture' GROUP BY 1, 2, 3, 4, 5;
  -- An entry of no job stands for many that were counted.
  CREATE TRIGGER usage_adds_up AFTER INSERT ON ledger
    WHEN NEW.kind = 'capture' AND NEW.job IS NOT NULL
  BEGIN
    INSERT INTO usage_days VALUES (
      NEW.account, date(NEW.at / 1000, 'unixepoch'), coalesce(NEW.details ->> '$.key', ''),
      coalesce(NEW.details ->> '$.model', ''), coalesce(NEW.details ->> '$.tags', '{}'),
      1, coalesce(NEW.details ->> '$.images', 0), NEW.amount
    ) ON CONFLICT DO UPDATE SET
      jobs = jobs + 1, images = images + excluded.images, amount = amount + excluded.amount;
  END;
  CREATE TRIGGER ledger_compacts AFTER DELETE ON ledger
    WHEN OLD.kind IN ('grant', 'capture', 'expiry', 'reversal')
  BEGIN
    UPDATE ledger_sums SET amount = amount - OLD.amount
      WHERE account = OLD.account AND kind = OLD.kind;
  END;
  `,
  `
  -- Accounts that buy credit by themselves.
  CREATE TABLE auto_topups (
    account TEXT NOT NULL PRIMARY KEY,
    data TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
];

/** Brings the file to the newest version, each step in its own transaction. */
export function migrate(db: Database.Database): void {
  const row = db.prepare('PRAGMA user_version').get() as { user_version: number };
  if (row.user_version > MIGRATIONS.length) {
    throw new AppError(
      'invalid-file',
      `${db.name} was written by a newer Onestep (format ${row.user_version}, this one reads up to ` +
        `${MIGRATIONS.length}); start that version, or another data folder`,
    );
  }
  for (const [index, step] of MIGRATIONS.entries()) {
    if (index < row.user_version) continue;
    db.exec(`BEGIN IMMEDIATE; ${step} PRAGMA user_version = ${index + 1}; COMMIT`);
  }
}
