// Where a package deploys from: its sources and the pinned packages of the CDK, in the data folder.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** The commands that read or change the settings of a deployment. */
const ABOUT_DEPLOYMENTS = [
  'cost',
  'deploy',
  'nuke',
  'pause',
  'preflight',
  'push',
  'resume',
  'smoke',
];

/** @param {string | undefined} command of the command line */
export const runsInProject = (command) => ABOUT_DEPLOYMENTS.includes(command);

/**
 * Sets ONESTEP_PROJECT to the folder that deployments are made from. It is made once for each version,
 * and whole: what "deploy" notes there is kept.
 *
 * @param {string} dist the built part of the package
 * @param {boolean} isNeeded whether to make the folder where there is none; `dist` has cdk.json as well
 */
export function prepareProject(dist, isNeeded) {
  const { version } = JSON.parse(readFileSync(join(dist, '..', 'package.json'), 'utf8'));
  const folder = resolve(process.env.ONESTEP_DATA || '.onestep', `project-${version}`);
  if (!existsSync(folder)) {
    if (!isNeeded) return;
    make(dist, folder);
  }
  process.env.ONESTEP_PROJECT = folder;
}

function make(dist, folder) {
  const temporary = `${folder}.${process.pid}.part`;
  rmSync(temporary, { recursive: true, force: true });
  mkdirSync(temporary, { recursive: true });
  process.stderr.write(`Installing the CDK into ${folder} (once, about a minute) …\n`);
  run('tar', ['-xzf', join(dist, 'project.tar.gz'), '-C', temporary], temporary);
  cpSync(join(dist, 'models'), join(temporary, 'models'), { recursive: true });
  run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], temporary);
  renameSync(temporary, folder);
}

function run(command, words, cwd) {
  const { status } = spawnSync(command, words, { cwd, stdio: ['ignore', 2, 2] });
  if (status === 0) return;
  rmSync(cwd, { recursive: true, force: true });
  process.stderr.write(`"${command} ${words.join(' ')}" failed; nothing was changed.\n`);
  process.exit(1);
}
