// Installs the packages when a fresh clone has none, or when the lockfile has changed since.
// Plain JavaScript, because nothing that it could be compiled with is there yet.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const installed = `${root}node_modules/.package-lock.json`;
const wanted = `${root}package-lock.json`;

const missing = !existsSync(installed) || statSync(installed).mtimeMs < statSync(wanted).mtimeMs;
if (missing && !process.env.ONESTEP_SKIP_INSTALL) {
  process.stderr.write('Installing packages (once, about 40 seconds) …\n');
  const npm = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (npm.status !== 0) {
    process.stderr.write('Installing failed. Run "npm ci" and see what it says.\n');
    process.exit(1);
  }
}
