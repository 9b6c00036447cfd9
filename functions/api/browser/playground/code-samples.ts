import { nameOf } from '#functions/api/browser/format.ts';
import { inputOf, type Order } from './order.ts';

export interface Sample {
  readonly name: string;
  readonly code: string;
  /** How it is made to run. */
  readonly setup: string;
}

/** What the samples need besides the order. */
export interface Target {
  readonly origin: string;
  /** `256x256`: some clients know no aspect ratios. */
  readonly size: string;
}

/** The same order for the usual languages and clients: pasted and run, each saves its pictures. */
export function codeSamples(order: Order, target: Target): readonly Sample[] {
  const key = 'Set ONESTEP_KEY to an API key';
  const stem = nameOf(order.prompt);
  const node = (packages: string) =>
    `Save it as ${stem}.mjs, run “npm install ${packages}”, then “node ${stem}.mjs”. ${key} first.`;
  const python = (packages: string) =>
    `Save it as ${stem}.py, run “pip install ${packages}”, then “python ${stem}.py”. ${key} first.`;
  return [
    {
      name: 'curl',
      code: order.count === 1 ? curl(order, target) : curlOfMany(order, target),
      setup: order.count === 1 ? `${key} first.` : `Needs jq. ${key} first.`,
    },
    { name: 'Replicate · JS', code: replicateJs(order, target), setup: node('replicate') },
    {
      name: 'Replicate · Python',
      code: replicatePython(order, target),
      setup: python('replicate'),
    },
    { name: 'OpenAI · JS', code: openAiJs(order, target), setup: node('openai') },
    { name: 'OpenAI · Python', code: openAiPython(order, target), setup: python('openai') },
    { name: 'fal · JS', code: falJs(order, target), setup: node('@fal-ai/client') },
    { name: 'AI SDK · JS', code: aiSdkJs(order, target), setup: node('ai@6 @ai-sdk/replicate@2') },
    { name: 'MCP · JS', code: mcpJs(order, target), setup: node('@modelcontextprotocol/client') },
  ];
}

/** How JavaScript writes the variable `i` in a string. */
const IN_JS = `\${i}`;

/** The name of a file, where `index` is how a language writes a variable in a string. */
const fileOf = ({ prompt, format }: Order, index: string) => `${nameOf(prompt)}-${index}.${format}`;

function curl(order: Order, { origin }: Target): string {
  const { num_outputs: _one, output_format: format, ...input } = inputOf(order);
  const body = { model: order.model, ...input };
  return `curl -fsS ${origin}/v1/images \\
  -H "Authorization: Bearer $ONESTEP_KEY" \\
  -H "Content-Type: application/json" \\
  -H "Accept: image/${format}" \\
  -d ${quoted(body)} \\
  -o ${nameOf(order.prompt)}.${format}`;
}

function curlOfMany(order: Order, { origin }: Target): string {
  return `curl -fsS ${origin}/v1/predictions \\
  -H "Authorization: Bearer $ONESTEP_KEY" \\
  -H "Content-Type: application/json" \\
  -H "Prefer: wait" \\
  -d ${quoted({ version: order.model, input: inputOf(order) })} |
  jq -r '.output | to_entries[] | "\\(.key) \\(.value)"' |
  while read -r i url; do curl -fsS "$url" -o "${fileOf(order, '$i')}"; done`;
}

/** JSON as one word of a shell. */
const quoted = (body: object) => `'${JSON.stringify(body, null, 2).replaceAll("'", "'\\''")}'`;

function replicateJs(order: Order, { origin }: Target): string {
  return `import { writeFile } from "node:fs/promises";
import Replicate from "replicate";

const replicate = new Replicate({ baseUrl: "${origin}/v1", auth: process.env.ONESTEP_KEY });
const output = await replicate.run(${JSON.stringify(order.model)}, {
  input: ${indent(JSON.stringify(inputOf(order), null, 2), 2)},
});
for (const [i, file] of output.entries()) {
  const { body } = await fetch(String(file));
  await writeFile(\`${fileOf(order, IN_JS)}\`, body);
}`;
}

/** JSON of a prompt and numbers is valid Python as well. */
function replicatePython(order: Order, { origin }: Target): string {
  return `import os
from urllib.request import urlopen
import replicate

client = replicate.Client(api_token=os.environ["ONESTEP_KEY"], base_url="${origin}")
output = client.run(
    ${JSON.stringify(order.model)},
    input=${indent(JSON.stringify(inputOf(order), null, 4), 4)},
)
for i, file in enumerate(output):
    with urlopen(str(file)) as answer, open(f"${fileOf(order, '{i}')}", "wb") as picture:
        picture.write(answer.read())`;
}

function openAiJs(order: Order, { origin, size }: Target): string {
  const body = {
    model: order.model,
    prompt: order.prompt,
    size,
    n: order.count,
    output_format: order.format,
    response_format: 'b64_json',
    ...(order.seed === null ? {} : { seed: order.seed }),
  };
  return `import { writeFile } from "node:fs/promises";
import OpenAI from "openai";

const openai = new OpenAI({ baseURL: "${origin}/v1", apiKey: process.env.ONESTEP_KEY });
const images = await openai.images.generate(${JSON.stringify(body, null, 2)});
for (const [i, image] of images.data.entries()) {
  await writeFile(\`${fileOf(order, IN_JS)}\`, image.b64_json, "base64");
}`;
}

function openAiPython(order: Order, { origin, size }: Target): string {
  const extra = order.seed === null ? '' : `\n    extra_body={"seed": ${order.seed}},`;
  return `import base64, os
from openai import OpenAI

client = OpenAI(base_url="${origin}/v1", api_key=os.environ["ONESTEP_KEY"])
images = client.images.generate(
    model=${JSON.stringify(order.model)},
    prompt=${JSON.stringify(order.prompt)},
    size="${size}",
    n=${order.count},
    output_format=${JSON.stringify(order.format)},
    response_format="b64_json",${extra}
)
for i, image in enumerate(images.data):
    with open(f"${fileOf(order, '{i}')}", "wb") as picture:
        picture.write(base64.b64decode(image.b64_json))`;
}

function falJs(order: Order, { origin, size }: Target): string {
  const [width, height] = size.split('x').map(Number);
  const input = {
    prompt: order.prompt,
    image_size: { width, height },
    num_images: order.count,
    output_format: order.format,
    ...(order.seed === null ? {} : { seed: order.seed }),
  };
  return `import { writeFile } from "node:fs/promises";
import { createFalClient } from "@fal-ai/client";

const fal = createFalClient({
  credentials: process.env.ONESTEP_KEY,
  proxyUrl: { url: "${origin}/fal/proxy", when: "always" },
});
const { data } = await fal.subscribe(${JSON.stringify(order.model)}, {
  input: ${indent(JSON.stringify(input, null, 2), 2)},
});
for (const [i, image] of data.images.entries()) {
  const { body } = await fetch(image.url);
  await writeFile(\`${fileOf(order, IN_JS)}\`, body);
}`;
}

function aiSdkJs(order: Order, { origin }: Target): string {
  const seed = order.seed === null ? '' : `\n  seed: ${order.seed},`;
  // The SDK would ask for each picture in a call of its own, and with one seed get the same one each time.
  const count =
    order.count === 1 ? '' : `\n  n: ${order.count},\n  maxImagesPerCall: ${order.count},`;
  return `import { writeFile } from "node:fs/promises";
import { createReplicate } from "@ai-sdk/replicate";
import { generateImage } from "ai";

const replicate = createReplicate({
  baseURL: "${origin}/v1",
  apiToken: process.env.ONESTEP_KEY,
});
const { images } = await generateImage({
  model: replicate.image(${JSON.stringify(order.model)}),
  prompt: ${JSON.stringify(order.prompt)},
  aspectRatio: "${order.aspectRatio}",${seed}${count}
  providerOptions: { replicate: { output_format: "${order.format}" } },
});
for (const [i, image] of images.entries()) {
  await writeFile(\`${fileOf(order, IN_JS)}\`, image.uint8Array);
}`;
}

function mcpJs(order: Order, { origin }: Target): string {
  const words = { model: order.model, ...inputOf(order) };
  return `import { writeFile } from "node:fs/promises";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";

const client = new Client({ name: "my-agent", version: "1" });
const headers = { authorization: \`Bearer \${process.env.ONESTEP_KEY}\` };
await client.connect(
  new StreamableHTTPClientTransport(new URL("${origin}/mcp"), { requestInit: { headers } }),
);
const { content } = await client.callTool({
  name: "generate",
  arguments: ${indent(JSON.stringify(words, null, 2), 2)},
});
// Beside small views of the pictures there are their facts, with the URLs of the originals.
const { urls } = JSON.parse(content.at(-1).text);
for (const [i, url] of urls.entries()) {
  const { body } = await fetch(url);
  await writeFile(\`${fileOf(order, IN_JS)}\`, body);
}
await client.close();`;
}

function indent(text: string, spaces: number): string {
  return text.replaceAll('\n', `\n${' '.repeat(spaces)}`);
}
