import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadTokenizer } from '#shared/engine/pipeline/tokenizer.ts';
import { fromRoot } from '#test/helpers/root.ts';

const FOLDER = fromRoot('test/fixtures/clip-tokenizer');
const scratch = mkdtempSync(join(tmpdir(), 'onestep-tokenizer-'));
afterAll(() => rmSync(scratch, { recursive: true }));

/** The same vocabulary with another configuration, in a folder of its own. */
function withFiles(name: string, files: Record<string, string>): string {
  const folder = join(scratch, name);
  cpSync(FOLDER, folder, { recursive: true });
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
  return folder;
}

/** `ids` as the reference gives them, cut to 77 as it does. */
function truncated(ids: readonly number[]): readonly number[] {
  return ids.length <= 77 ? ids : [...ids.slice(0, 76), ids.at(-1) ?? 0];
}

interface Case {
  text: string;
  ids: number[];
  tokens: number;
}
interface UnicodeCase {
  text: string;
  ids_1: number[];
  ids_2?: number[];
}
const readCases = <T>(file: string): T[] =>
  JSON.parse(readFileSync(join(FOLDER, file), 'utf8')).cases;

const config = JSON.parse(readFileSync(join(FOLDER, 'tokenizer_config.json'), 'utf8'));
const padsWithMark = JSON.stringify({ ...config, pad_token: '!' });
const tokenizer1 = loadTokenizer(FOLDER);
const tokenizer2 = loadTokenizer(withFiles('second', { 'tokenizer_config.json': padsWithMark }));

describe('loadTokenizer', () => {
  it('gives the ids and counts of the reference', () => {
    const cases = readCases<Case>('cases.json');
    expect(cases).toHaveLength(159);
    for (const { text, ids, tokens } of cases) {
      expect(tokenizer1.encode(text), text).toMatchObject({ ids, tokens });
    }
  });

  it('gives the ids of the reference for scripts, marks, controls and newer Unicode', () => {
    for (const { text, ids_1, ids_2 } of readCases<UnicodeCase>('unicode.json')) {
      expect(tokenizer1.encode(text).ids, JSON.stringify(text)).toEqual(truncated(ids_1));
      if (ids_2 === undefined) continue;
      expect(tokenizer2.encode(text).ids, JSON.stringify(text)).toEqual(truncated(ids_2));
    }
  });

  it('pads with the id of each tokenizer to 77', () => {
    const { ids } = tokenizer1.encode('A photo of a dog.');
    expect([...tokenizer1.pad(ids)].slice(0, 10)).toEqual([...ids, 49407, 49407]);
    expect([...tokenizer2.pad(ids)].slice(7, 10)).toEqual([49407, 0, 0]);
    expect(tokenizer2.pad(ids)).toHaveLength(77);
  });

  it('takes an unpaired surrogate as the replacement character', () => {
    expect(tokenizer1.encode('a \ud800 b').ids).toEqual(tokenizer1.encode('a \ufffd b').ids);
  });

  it('reads one word of ten thousand letters', () => {
    expect(tokenizer1.encode('abcdefghij'.repeat(1000)).tokens).toBeGreaterThan(1000);
  });
});

describe('cut', () => {
  it('is empty while the prompt fits', () => {
    expect(tokenizer1.encode('dog '.repeat(75)).cut).toBe('');
  });

  it.each([
    ['whole words as they were typed', `${'dog '.repeat(75)}CAT, Café.  `, 'CAT, Café.'],
    ['the rest of a word that fits in part', `${'dog '.repeat(74)}Photosynthesised`, 'synthesised'],
    ['the whole of a character of which one byte fits', `${'dog '.repeat(74)}🜁x`, '🜁x'],
    ['composed characters', `${'cafe\u0301 '.repeat(75)}e\u0301te\u0301`, 'e\u0301te\u0301'],
    ['what only looks like white space', `${'dog '.repeat(75)}\ufeff\ufeff \x85`, '\ufeff\ufeff'],
    ['special tokens', `${'dog '.repeat(75)}<|endoftext|> end`, '<|endoftext|> end'],
  ])('quotes %s', (_, text, cut) => {
    expect(tokenizer1.encode(text).cut).toBe(cut);
  });
});

describe('tokenizer.json, which transformers 5 saves alone', () => {
  const vocab = JSON.parse(readFileSync(join(FOLDER, 'vocab.json'), 'utf8'));
  const merges = readFileSync(join(FOLDER, 'merges.txt'), 'utf8').split('\n').slice(1, -1);
  const added = [
    { id: 0, content: '!', normalized: false, special: true },
    { id: 49406, content: '<|startoftext|>', normalized: true, special: true },
    { id: 49407, content: '<|endoftext|>', normalized: true, special: true },
    { id: 49408, content: '<my-cat>', normalized: false, special: false },
  ];
  const model = { type: 'BPE', end_of_word_suffix: '</w>', vocab };

  function folderWith(name: string, whole: unknown): string {
    const folder = join(scratch, name);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(whole));
    const settings = { pad_token: '!', eos_token: '<|endoftext|>', model_max_length: 77 };
    writeFileSync(join(folder, 'tokenizer_config.json'), JSON.stringify(settings));
    return folder;
  }

  it.each([
    ['lists', merges.map((line) => line.split(' '))],
    ['lines', merges],
  ])('gives the ids of the two files, with rules as %s', (name, rules) => {
    const whole = { model: { ...model, merges: rules }, added_tokens: added };
    const tokenizer = loadTokenizer(folderWith(name, whole));
    for (const { text, ids_2 } of readCases<UnicodeCase>('unicode.json')) {
      if (ids_2 === undefined) continue;
      expect(tokenizer.encode(text).ids, JSON.stringify(text)).toEqual(truncated(ids_2));
    }
    expect(tokenizer.encode('a! <|EndOfText|> <my-cat>').ids).toEqual([
      49406, 320, 0, 49407, 49408, 49407,
    ]);
    expect(tokenizer.padId).toBe(0);
  });

  it.each([
    [{ model: { ...model, type: 'Unigram', merges } }, '"model.type"'],
    [{ model: { ...model, end_of_word_suffix: null, merges } }, '"model.end_of_word_suffix"'],
    [{ model: { ...model, vocab: [], merges } }, 'expected one object'],
    [{ model: { ...model, merges: {} } }, '"model.merges" is not a list'],
    [{ model: { ...model, merges: ['a b', 'c'] } }, '"model.merges.1" is not a pair'],
    [[], 'is not CLIP'],
  ])('names what is wrong in it (%#)', (whole, message) => {
    expect(() => loadTokenizer(folderWith('wrong', whole))).toThrow(message);
    expect(() => loadTokenizer(folderWith('wrong', whole))).toThrow('tokenizer.json');
  });
});

describe('tokens of textual inversion', () => {
  const token = '<cat-toy>';

  it.each([
    [
      'transformers 4',
      {
        'tokenizer_config.json': JSON.stringify({
          ...config,
          added_tokens_decoder: { 49408: { content: token, normalized: true, special: false } },
        }),
      },
    ],
    ['transformers before 4.34', { 'added_tokens.json': JSON.stringify({ [token]: 49408 }) }],
  ])('are read as %s saves them', (name, files) => {
    const tokenizer = loadTokenizer(withFiles(name.replaceAll(' ', '-'), files));
    const around = tokenizer1.encode('a on a').ids;
    const [begin = 0, a = 0, on = 0, , end = 0] = around;
    expect(tokenizer.encode(`a ${token} on`).ids).toEqual([begin, a, 49408, on, end]);
    expect(tokenizer.encode(`a${token}on`).ids).toEqual([begin, a, 49408, on, end]);
    expect(tokenizer1.encode(token).ids).not.toContain(49408);
  });
});

describe('faults', () => {
  it.each([
    ['vocab.json', 'not json', 'vocab.json: is not valid JSON'],
    ['vocab.json', '[1]', 'vocab.json: expected one object'],
    ['vocab.json', '{"a":-1}', 'vocab.json: expected one object'],
    ['vocab.json', '{"a":1}', 'vocab.json: has no token "<|endoftext|>"'],
    ['merges.txt', '#version: 0.2\nqqqq zzzz\n', 'merges.txt: the rule "qqqq zzzz"'],
    ['merges.txt', '#version: 0.2\na b c\n', 'merges.txt: line 2 is not a pair'],
    ['tokenizer_config.json', '{', 'tokenizer_config.json: is not valid JSON'],
    ['tokenizer_config.json', '{"pad_token":3}', 'tokenizer_config.json: "pad_token"'],
  ])('names %s that reads %j', (file, text, message) => {
    expect(() => loadTokenizer(withFiles('faulty', { [file]: text }))).toThrow(message);
  });

  it('says which file is missing', () => {
    expect(() => loadTokenizer(scratch)).toThrow(
      /vocab\.json: there is no such file.*or tokenizer\.json/,
    );
  });
});
