import { inputOf, type Order } from './order.ts';

export interface Sample {
  readonly name: string;
  readonly code: string;
}

/** The same call in the languages and clients that people use, ready to paste. */
export function codeSamples(order: Order, origin: string): readonly Sample[] {
  const input = inputOf(order);
  const size = { prompt: order.prompt, n: order.count, output_format: order.format };
  return [
    { name: 'curl', code: curl(order, input, origin) },
    { name: 'Replicate · JS', code: replicateJs(order, input, origin) },
    { name: 'Replicate · Python', code: replicatePython(order, input, origin) },
    { name: 'OpenAI · JS', code: openAiJs(order, size, origin) },
    { name: 'OpenAI · Python', code: openAiPython(order, size, origin) },
  ];
}

type Values = Readonly<Record<string, unknown>>;

function curl(order: Order, input: Values, origin: string): string {
  const body = JSON.stringify({ version: order.model, input }, null, 2).replaceAll("'", "'\\''");
  return `curl ${origin}/v1/predictions \\
  -H "Authorization: Bearer $ONESTEP_KEY" \\
  -H "Content-Type: application/json" \\
  -H "Prefer: wait" \\
  -d '${body}'`;
}

function replicateJs(order: Order, input: Values, origin: string): string {
  return `import Replicate from "replicate";

const replicate = new Replicate({ baseUrl: "${origin}/v1", auth: process.env.ONESTEP_KEY });
const output = await replicate.run("${order.model}", {
  input: ${indent(JSON.stringify(input, null, 2), 2)},
});
console.log(output);`;
}

function replicatePython(order: Order, input: Values, origin: string): string {
  return `import os, replicate

client = replicate.Client(api_token=os.environ["ONESTEP_KEY"], base_url="${origin}")
output = client.run(
    "${order.model}",
    input=${indent(python(input), 4)},
)
print(output)`;
}

function openAiJs(order: Order, size: Values, origin: string): string {
  const body = { model: order.model, ...size, ...seedOf(order) };
  return `import OpenAI from "openai";

const openai = new OpenAI({ baseURL: "${origin}/v1", apiKey: process.env.ONESTEP_KEY });
const images = await openai.images.generate(${JSON.stringify(body, null, 2)});
console.log(images.data[0].url ?? images.data[0].b64_json);`;
}

function openAiPython(order: Order, size: Values, origin: string): string {
  const extra = order.seed === null ? '' : `\n    extra_body={"seed": ${order.seed}},`;
  return `import os
from openai import OpenAI

client = OpenAI(base_url="${origin}/v1", api_key=os.environ["ONESTEP_KEY"])
images = client.images.generate(
    model=${JSON.stringify(order.model)},
    prompt=${JSON.stringify(size['prompt'])},
    n=${order.count},
    output_format=${JSON.stringify(order.format)},${extra}
)
print(images.data[0].url or images.data[0].b64_json)`;
}

function seedOf(order: Order): Values {
  return order.seed === null ? {} : { seed: order.seed };
}

/** A flat object as a Python dict: JSON but for the words that Python spells otherwise. */
function python(values: Values): string {
  return JSON.stringify(values, null, 4)
    .replace(/: null/g, ': None')
    .replace(/: true/g, ': True')
    .replace(/: false/g, ': False');
}

function indent(text: string, spaces: number): string {
  return text.replaceAll('\n', `\n${' '.repeat(spaces)}`);
}
