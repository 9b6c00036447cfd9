/** The tables of a file's first version; `migrations.ts` has what was changed since. */
export const FIRST_TABLES = `
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
  `;
