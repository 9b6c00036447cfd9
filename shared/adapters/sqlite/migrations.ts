import { FIRST_TABLES } from './first-tables.ts';

/**
 * The tables, as steps from one version of the file to the next. A step that was released is never
 * edited. Times are milliseconds since the Unix epoch, money is micro-USD.
 */
export const MIGRATIONS: readonly string[] = [
  FIRST_TABLES,
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
  `
  -- Where webhooks of erased predictions went: they may hold secrets.
  UPDATE outbox SET url = '' WHERE next_attempt_at IS NULL
    AND job IN (SELECT id FROM jobs WHERE data_removed_at IS NOT NULL);
  `,
  `
  -- What an account's receivers on one host share: 'acc_1 hooks.example.com'.
  ALTER TABLE outbox ADD COLUMN lane TEXT GENERATED ALWAYS AS (
    account || ' ' || substr(
      substr(url, instr(url, '//') + 2), 1, instr(substr(url, instr(url, '//') + 2) || '/', '/') - 1
    )
  ) VIRTUAL;
  CREATE INDEX outbox_lanes ON outbox (lane, visible_at) WHERE next_attempt_at IS NOT NULL;
  `,
];
