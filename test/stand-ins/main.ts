import { startStandIns } from './start.ts';

/**
 * `node --import tsx test/stand-ins/main.ts` installs and starts the stand-ins and prints one line of JSON
 * with their addresses and process ids; SIGINT or SIGTERM to it ends them.
 */
const standIns = await startStandIns();
process.stdout.write(`${JSON.stringify({ ...standIns.addresses, pids: standIns.pids })}\n`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void standIns.stop().then(() => process.exit(0)));
}
