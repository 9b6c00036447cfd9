import Database from 'libsql';
import { expect, test } from 'vitest';
import { createQueuePositions } from '#shared/adapters/sqlite/queue-positions.ts';
import { migrate } from '#shared/adapters/sqlite/schema.ts';
import type { JobId } from '#shared/core/ids.ts';
import { createManualClock } from '#test/helpers/manual-clock.ts';

const JOBS = 60;

test('each job is counted from the nearest that was asked for, from either side', () => {
  const db = new Database(':memory:');
  migrate(db);
  db.exec("INSERT INTO accounts (id, name, created_at) VALUES ('a', '', 0)");
  const insert = db.prepare(
    'INSERT INTO jobs (id, account, key, model, status, waiting, rank, body_hash, created_at, ' +
      "deadline, due_at, hold, request) VALUES (?, 'a', '', 'm', 'starting', 1, ?, '', 0, 1, 1, 0, '{}')",
  );
  const idOf = (place: number) => String(place).padStart(26, '0') as JobId;
  const rankOf = (place: number) => place >> 2;
  for (let place = 0; place < JOBS; place++) insert.run([idOf(place), rankOf(place)]);
  const clock = createManualClock();
  const position = createQueuePositions(db, clock);
  const ask = (place: number) =>
    position({ id: idOf(place), rank: rankOf(place), model: { name: 'm', digest: '' } });

  const places = Array.from({ length: JOBS }, (_, place) => (place * 37) % JOBS);
  expect(places.map(ask)).toEqual(places);
  expect(places.map(ask)).toEqual(places);

  db.exec(`UPDATE jobs SET waiting = 0 WHERE id = '${idOf(0)}'`);
  expect(ask(9)).toBe(9);
  clock.advance(1000);
  expect([ask(9), ask(1)]).toEqual([8, 0]);
});
