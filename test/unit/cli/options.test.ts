import { describe, expect, it } from 'vitest';
import { defineCommand, flag, option } from '#functions/cli/command.ts';
import { COMMANDS } from '#functions/cli/commands.ts';
import { date, number, usd, whole } from '#functions/cli/option-types.ts';
import { runCommand } from '#test/helpers/run-command.ts';

describe('defineCommand', () => {
  const probe = defineCommand({
    summary: '',
    usage: '',
    examples: [],
    options: {
      text: option('TEXT', ''),
      count: option('N', '', whole(0, 9).default(3), 'c'),
      share: option('N', '', number()),
      price: option('USD', '', usd()),
      at: option('DATE', '', date()),
      all: flag(''),
    },
    run: async ({ options: { json: _, quiet, help, ...options }, print }) =>
      print({ ...options, quiet }, `help: ${help}`),
  });
  const read = async (...words: string[]) =>
    JSON.parse(await runCommand('probe', probe, [...words, '--json']));

  it('leaves out what was not given and takes defaults', async () => {
    expect(await read()).toEqual({ count: 3, all: false, quiet: false });
  });

  it('converts what was given', async () => {
    const words = ['--share', '-0.5', '--price', '0.25', '--at', '2027-01-31', '--all', '-q'];
    expect(await read('--text', '', '-c', '7', ...words)).toEqual({
      text: '',
      count: 7,
      share: -0.5,
      price: 250_000,
      at: '2027-01-31T00:00:00.000Z',
      all: true,
      quiet: true,
    });
  });

  it('prints a text without --json', async () => {
    expect(await runCommand('probe', probe, [])).toBe('help: false');
  });

  it('suggests an option that is nearly what was written', async () => {
    await expect(runCommand('probe', probe, ['--cuont', '1'])).rejects.toThrow(
      'There is no option --cuont. Did you mean "--count"? See "onestep probe --help".',
    );
  });
});

describe('commands', () => {
  it.each<[words: [string, ...string[]], message: string]>([
    [['keys', 'create', '--rate', '1.5'], '--rate: 1.5 is not a whole number from 1 to 10000000.'],
    [['logs', '-n', '-1'], '--num: -1 is not a whole number from 1 to 100.'],
    [['logs', '--url', 'here'], '--url: here is not an address such as https://example.com.'],
    [['usage', '--from', '2026-02-31'], '--from: 2026-02-31 is not a date such as 2027-01-31.'],
    [['usage', '--by', 'week'], '--by: week is not one of day, model, key, tag:NAME.'],
    [
      ['start', '--port', '65536'],
      'The settings are wrong.\n  port (command line): must be a whole number from 0 to 65535',
    ],
    [['generate', 'a', '--width', 'wide'], '--width: wide is not a number.'],
    [['generate', 'a', '--out', ''], '--out: the path is empty.'],
    [['cost', '--images', 'many'], '--images: many is not a number.'],
    [['smoke', '--timeout', '0'], '--timeout: 0 is less than 1.'],
    [['deploy', '--stage', 'test'], '--stage: test is not one of dev, prod.'],
    [['bench', 'engine', '--runs', '0'], '--runs: 0 is not a whole number of at least 1.'],
    [['logs', '--num'], '--num needs a value. See "onestep logs --help".'],
    [
      ['keys', 'lst'],
      'keys has no "lst". Did you mean "onestep keys list"? It takes list, create, rotate, revoke.',
    ],
    [
      ['accounts'],
      'Say what to do: onestep accounts invite | invitations | revoke | disable | enable | delete',
    ],
    [
      ['credits', 'balance', '5'],
      '"5" is one word too many: "onestep credits balance" takes none.',
    ],
    [['credits', 'ledger', '5'], '"5" is one word too many: "onestep credits ledger" takes none.'],
    [
      ['credits', 'grant', '5', '6'],
      '"6" is one word too many: "onestep credits grant" takes only USD.',
    ],
    [['keys', 'create', 'shop'], '"shop" is one word too many: "onestep keys create" takes none.'],
    [['keys', 'list', 'a'], '"a" is one word too many: "onestep keys list" takes none.'],
    [
      ['accounts', 'invitations', 'a'],
      '"a" is one word too many: "onestep accounts invitations" takes none.',
    ],
    [
      ['accounts', 'delete', 'a', 'b'],
      '"b" is one word too many: "onestep accounts delete" takes only ID.',
    ],
    [
      ['webhooks', 'remove', 'https://a.example'],
      '"https://a.example" is one word too many: "onestep webhooks remove" takes none.',
    ],
    [
      ['credits', 'grant', '1000000.01'],
      '"1000000.01" is too much for one grant: the most is $1000000.00.',
    ],
    [
      ['accounts', 'invite', 'shop', '--credit', '999999999'],
      '--credit: 999999999 is more than $1000000.00.',
    ],
  ])('refuses %j under the name of its option', async ([name, ...words], message) => {
    const command = await COMMANDS[name]?.();
    if (command === undefined) throw new Error(`There is no command ${name}.`);
    await expect(runCommand(name, command, words)).rejects.toMatchObject({
      code: 'invalid-request',
      message,
    });
  });
});
