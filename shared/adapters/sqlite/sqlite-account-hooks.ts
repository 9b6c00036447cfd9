import type Database from 'libsql';
import type { AccountHook } from '#shared/core/account-hook.ts';
import type { AccountHooks } from '#shared/service/ports/account-hooks.ts';
import type { Writer } from './group-commit.ts';
import { createOutboxInsert } from './outbox-rows.ts';

interface Row {
  readonly data: string;
}

export function createSqliteAccountHooks(db: Database.Database, writer: Writer): AccountHooks {
  const addToOutbox = createOutboxInsert(db);
  const select = db.prepare('SELECT data FROM account_hooks WHERE account = ?');
  const selectAll = db.prepare('SELECT data FROM account_hooks ORDER BY account');
  const put = db.prepare(
    'INSERT INTO account_hooks (account, data) VALUES (?, ?) ' +
      'ON CONFLICT (account) DO UPDATE SET data = excluded.data',
  );
  const remove = db.prepare('DELETE FROM account_hooks WHERE account = ?');
  const toHook = ({ data }: Row) => JSON.parse(data) as AccountHook;

  const get = (account: AccountHook['account']): AccountHook | undefined => {
    const row = select.get(account) as Row | undefined;
    return row && toHook(row);
  };

  return {
    get: async (account) => get(account),
    list: async () => (selectAll.all() as Row[]).map(toHook),
    put: (hook, outbox) =>
      writer.write(() => {
        if ((get(hook.account)?.version ?? 0) !== hook.version - 1) return false;
        put.run(hook.account, JSON.stringify(hook));
        for (const entry of outbox) addToOutbox(entry);
        return true;
      }),
    remove: (account) => writer.write(() => remove.run(account).changes > 0),
  };
}
