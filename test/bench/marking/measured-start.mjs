// Loaded before the command line: takes the marks away where it is told to, and reports the processor time
// of the whole process at its end.
import { writeSync } from 'node:fs';
import { register } from 'node:module';

// With marks too, so that both wait for the thread of the hooks.
const hooks = process.env.BENCH_UNMARKED ? './unmarked-hooks.mjs' : 'data:text/javascript,';
register(hooks, import.meta.url);
process.on('exit', () => {
  const { user, system } = process.cpuUsage();
  writeSync(3, String((user + system) / 1000));
});
