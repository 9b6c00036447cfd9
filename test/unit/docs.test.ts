import { existsSync, readdirSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadServeConfig, SETTING_NAMES } from '#functions/local/serve-config.ts';
import { FILES } from '#test/helpers/doc-blocks.ts';
import { ROOT, readFromRoot } from '#test/helpers/root.ts';

describe('the table of settings', () => {
  const rows = [...readFromRoot('docs/self-host.md').matchAll(/^\| `(\w+)` \| ?(.*?) ?\|/gm)];

  it('has every setting once', () => {
    expect(rows.map(([, name]) => name).sort()).toEqual([...SETTING_NAMES].sort());
  });

  it('has the defaults that the server has', () => {
    const defaults = loadServeConfig({ flags: {}, env: {}, file: 'none', fileRequired: false });
    const told = rows.map(([, name = '', text = '']) => [name, text.replaceAll('`', '')]);
    for (const [name = '', text] of told) {
      const value = defaults[name as keyof typeof defaults];
      const shown = Array.isArray(value) ? JSON.stringify(value) : String(value ?? '');
      expect(text, name).toBe(shown);
    }
  });
});

describe.each([...FILES, 'llms.txt'])('%s', (file) => {
  it('links to pages that there are', () => {
    const links = [...readFromRoot(file).matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)];
    for (const [, link = ''] of links) {
      const path = normalize(join(dirname(file), link));
      expect(existsSync(join(ROOT, path)), `${file}: ${link}`).toBe(true);
    }
  });
});

it('llms.txt and the pages name each page', () => {
  const text = ['README.md', 'llms.txt'].map(readFromRoot).join('\n');
  for (const name of readdirSync(join(ROOT, 'docs')).filter((one) => one.endsWith('.md'))) {
    expect(text, name).toContain(`docs/${name}`);
  }
});
