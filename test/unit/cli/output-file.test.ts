import { execFileSync, spawn } from 'node:child_process';
import {
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, describe, expect, it } from 'vitest';
import { assertWritable, writeOutput } from '#functions/cli/output-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'onestep-output-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const path = (name: string) => join(folder, name);

describe('writeOutput', () => {
  it('replaces a file whole', async () => {
    await writeOutput(path('file'), Buffer.from('one'));
    await writeOutput(path('file'), Buffer.from('two'));
    expect(readFileSync(path('file'), 'utf8')).toBe('two');
    expect(readdirSync(folder)).toEqual(['file']);
  });

  it.each(['target', 'missing'])('writes through a link to %s', async (target) => {
    if (target === 'target') writeFileSync(path(target), 'old');
    const link = path(`link-to-${target}`);
    symlinkSync(path(target), link);
    assertWritable(link);
    await writeOutput(link, Buffer.from('new'));
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(readFileSync(path(target), 'utf8')).toBe('new');
  });

  it('writes into a pipe', async () => {
    execFileSync('mkfifo', [path('pipe')]);
    const reader = spawn('cat', [path('pipe')]);
    assertWritable(path('pipe'));
    const read = text(reader.stdout);
    await writeOutput(path('pipe'), Buffer.from('through'));
    expect(await read).toBe('through');
    expect(lstatSync(path('pipe')).isFIFO()).toBe(true);
  });

  it('writes to a device', async () => {
    assertWritable('/dev/null');
    await writeOutput('/dev/null', Buffer.from('gone'));
    expect(lstatSync('/dev/null').isCharacterDevice()).toBe(true);
  });
});
