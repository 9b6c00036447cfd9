import { readFromRoot } from './root.ts';

export interface Instruction {
  readonly keyword: string;
  readonly words: string;
}

export interface Stage {
  readonly base: string;
  readonly name: string | undefined;
  readonly instructions: readonly Instruction[];
}

/** The stages of a Dockerfile with their instructions; continued lines are joined, comments left out. */
export function readDockerfile(path: string): readonly Stage[] {
  const text = readFromRoot(path);
  const lines = text
    .replace(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('#'));
  const stages: { base: string; name: string | undefined; instructions: Instruction[] }[] = [];
  for (const line of lines) {
    const [, keyword = '', words = ''] = /^(\S+)\s+(.*)$/.exec(line) ?? [];
    if (keyword === 'FROM') {
      const [base = '', , name] = words.split(/\s+/);
      stages.push({ base, name, instructions: [] });
    } else {
      stages.at(-1)?.instructions.push({ keyword, words });
    }
  }
  return stages;
}

/** The last stage's ENTRYPOINT in exec form. */
export function entrypointOf(stages: readonly Stage[]): readonly string[] {
  const found = stages.at(-1)?.instructions.find(({ keyword }) => keyword === 'ENTRYPOINT');
  return JSON.parse(found?.words ?? '[]') as string[];
}
