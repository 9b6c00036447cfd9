import { z } from 'zod';
import { type CommandContext, defineCommand, option } from '#functions/cli/command.ts';
import { path } from '#functions/cli/option-types.ts';
import { DEMO_TOKENIZER } from '#functions/local/demo-model.ts';
import { AppError } from '#shared/core/errors.ts';
import { type Encoding, loadTokenizer } from '#shared/engine/pipeline/tokenizer.ts';

export const tokenize = defineCommand({
  summary: 'show how a tokenizer reads prompts, and what of them it cuts',
  usage: '[PROMPT …] [options]',
  options: {
    tokenizer: option(
      'DIR',
      "a folder with vocab.json and merges.txt, or tokenizer.json; default: the demo model's",
      path(),
    ),
  },
  positionals: z.array(z.string()),
  examples: [
    'onestep tokenize "A photo of a dog."',
    `echo '["A photo of a dog.", "a cat"]' | onestep tokenize --json`,
  ],
  async run({ options, positionals, stdin, print }) {
    const tokenizer = loadTokenizer(options.tokenizer ?? DEMO_TOKENIZER);
    const prompts = positionals.length > 0 ? positionals : await readPrompts(stdin);
    const encodings = prompts.map((prompt) => tokenizer.encode(prompt));
    print(encodings, encodings.map(describeEncoding).join(''));
  },
});

function describeEncoding({ ids, tokens, cut }: Encoding): string {
  const lost = cut === '' ? '' : `  cut: ${JSON.stringify(cut)}\n`;
  return `${tokens} tokens: ${ids.join(' ')}\n${lost}`;
}

async function readPrompts(stdin: CommandContext['stdin']): Promise<string[]> {
  if (stdin.isTTY) {
    throw new AppError(
      'invalid-request',
      'tokenize reads a JSON array of strings on stdin, or takes prompts as arguments.',
    );
  }
  const chunks: Buffer[] = [];
  for await (const chunk of stdin) chunks.push(Buffer.from(chunk));
  let json: unknown;
  try {
    json = JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch (cause) {
    throw new AppError('invalid-json', 'stdin is not JSON; expected an array of strings.', {
      cause,
    });
  }
  if (!Array.isArray(json) || !json.every((item) => typeof item === 'string')) {
    throw new AppError('invalid-input', 'stdin is not an array of strings.');
  }
  return json;
}
