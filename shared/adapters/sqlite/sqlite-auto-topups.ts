import type Database from 'libsql';
import type { AutoTopup } from '#shared/core/auto-topup.ts';
import type { AutoTopups } from '#shared/service/ports/auto-topups.ts';
import type { Writer } from './group-commit.ts';

export function createSqliteAutoTopups(db: Database.Database, writer: Writer): AutoTopups {
  const select = db.prepare('SELECT data FROM auto_topups WHERE account = ?');
  const put = db.prepare(
    'INSERT INTO auto_topups (account, data) VALUES (?, ?) ' +
      'ON CONFLICT (account) DO UPDATE SET data = excluded.data',
  );
  const remove = db.prepare('DELETE FROM auto_topups WHERE account = ?');

  const get = (account: AutoTopup['account']): AutoTopup | undefined => {
    const row = select.get(account) as { data: string } | undefined;
    return row && (JSON.parse(row.data) as AutoTopup);
  };

  return {
    get: async (account) => get(account),
    put: (topup) =>
      writer.write(() => {
        if ((get(topup.account)?.version ?? 0) !== topup.version - 1) return false;
        put.run(topup.account, JSON.stringify(topup));
        return true;
      }),
    remove: (account) => writer.write(() => remove.run(account).changes > 0),
  };
}
