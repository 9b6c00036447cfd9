import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { COMMANDS } from '#functions/cli/commands.ts';
import { completionScript, SHELLS } from '#functions/cli/completion-script.ts';
import { meantCommand } from '#functions/cli/meanings.ts';

const COMPLETED = [
  { name: 'start', summary: "run it 'here'", options: { port: 'a [port]: any', json: 'JSON' } },
  { name: 'keys', summary: 'make keys', options: { label: "a key's name" } },
];

describe('completionScript', () => {
  it.each(SHELLS)('%s names each command and option', (shell) => {
    const script = completionScript(shell, COMPLETED);
    for (const word of ['start', 'keys', 'port', 'json', 'label']) expect(script).toContain(word);
  });

  it.each([
    ['onestep ""', 1, ['start', 'keys']],
    ['onestep ke', 1, ['keys']],
    ['onestep start --p', 2, ['--port']],
    ['onestep keys --', 2, ['--label']],
  ])('bash completes %s', (line, at, found) => {
    const words = line
      .replace('""', '')
      .split(' ')
      .map((word) => `'${word}'`);
    const program = `${completionScript('bash', COMPLETED)}
COMP_WORDS=(${words.join(' ')}); COMP_CWORD=${at}; _onestep; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout, stderr } = spawnSync('bash', ['-c', program], { encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(stdout.trim().split('\n')).toEqual(found);
  });
});

describe('meantCommand', () => {
  it.each([
    ['draw', 'generate'],
    ['token', 'keys'],
    ['LOGIN', 'open'],
    ['destroy', 'nuke'],
    ['weather', undefined],
  ])('%s is %s', (word, command) => {
    expect(meantCommand(word)).toBe(command);
  });

  it('names only commands that there are', () => {
    for (const word of ['run', 'make', 'check', 'login', 'token', 'balance', 'users', 'bill']) {
      expect(Object.keys(COMMANDS), word).toContain(meantCommand(word));
    }
  });
});
