import { inputOf, type Order } from './order.ts';

export interface Sample {
  readonly name: string;
  readonly code: string;
  /** What has to be installed before it runs. */
  readonly setup: string;
}

/** What the samples need besides the order. */
export interface Target {
  readonly origin: string;
  /** `256x256`: the OpenAI dialect knows no aspect ratios. */
  readonly size: string;
}

/** The same call in the usual languages and clients, ready to paste. */
export function codeSamples(order: Order, target: Target): readonly Sample[] {
  const key = 'ONESTEP_KEY in the environment';
  return [
    { name: 'curl', code: curl(order, target), setup: `Needs ${key}.` },
    {
      name: 'Replicate · JS',
      code: replicateJs(order, target),
      setup: `Needs “npm install replicate”, and ${key}.`,
    },
    {
      name: 'Replicate · Python',
      code: replicatePython(order, target),
      setup: `Needs “pip install replicate”, and ${key}.`,
    },
    {
      name: 'OpenAI · JS',
      code: openAiJs(order, target),
      setup: `Needs “npm install openai”, and ${key}.`,
    },
    {
      name: 'OpenAI · Python',
      code: openAiPython(order, target),
      setup: `Needs “pip install openai”, and ${key}.`,
    },
  ];
}

function curl(order: Order, { origin }: Target): string {
  const body = JSON.stringify({ version: order.model, input: inputOf(order) }, null, 2);
  return `curl ${origin}/v1/predictions \\
  -H "Authorization: Bearer $ONESTEP_KEY" \\
  -H "Content-Type: application/json" \\
  -H "Prefer: wait" \\
  -d '${body.replaceAll("'", "'\\''")}'`;
}

function replicateJs(order: Order, { origin }: Target): string {
  return `import Replicate from "replicate";

const replicate = new Replicate({ baseUrl: "${origin}/v1", auth: process.env.ONESTEP_KEY });
const output = await replicate.run(${JSON.stringify(order.model)}, {
  input: ${indent(JSON.stringify(inputOf(order), null, 2), 2)},
});
for (const file of output) console.log(String(file));`;
}

/** JSON of a prompt and numbers is valid Python as well. */
function replicatePython(order: Order, { origin }: Target): string {
  return `import os, replicate

client = replicate.Client(api_token=os.environ["ONESTEP_KEY"], base_url="${origin}")
output = client.run(
    ${JSON.stringify(order.model)},
    input=${indent(JSON.stringify(inputOf(order), null, 4), 4)},
)
for file in output:
    print(file)`;
}

function openAiJs(order: Order, { origin, size }: Target): string {
  const body = {
    model: order.model,
    prompt: order.prompt,
    size,
    n: order.count,
    output_format: order.format,
    ...(order.seed === null ? {} : { seed: order.seed }),
  };
  return `import OpenAI from "openai";

const openai = new OpenAI({ baseURL: "${origin}/v1", apiKey: process.env.ONESTEP_KEY });
const images = await openai.images.generate(${JSON.stringify(body, null, 2)});
for (const image of images.data) console.log(image.url ?? image.b64_json);`;
}

function openAiPython(order: Order, { origin, size }: Target): string {
  const extra = order.seed === null ? '' : `\n    extra_body={"seed": ${order.seed}},`;
  return `import os
from openai import OpenAI

client = OpenAI(base_url="${origin}/v1", api_key=os.environ["ONESTEP_KEY"])
images = client.images.generate(
    model=${JSON.stringify(order.model)},
    prompt=${JSON.stringify(order.prompt)},
    size="${size}",
    n=${order.count},
    output_format=${JSON.stringify(order.format)},${extra}
)
for image in images.data:
    print(image.url or image.b64_json)`;
}

function indent(text: string, spaces: number): string {
  return text.replaceAll('\n', `\n${' '.repeat(spaces)}`);
}
