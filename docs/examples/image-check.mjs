// An example of an image check: it refuses pictures that show nothing. Yours would ask a model of its
// own, such as a classifier in ONNX, about the same bytes.
//
// Within the GPU function:   onestep.config.json: {"safety": {"imageCheck": "docs/examples/image-check.mjs"}}
// As a service of its own:   node docs/examples/image-check.mjs 9000
//                            {"safety": {"imageCheck": "http://127.0.0.1:9000/"}}
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';

/** Bits of a pixel's brightness; a photograph has 6 to 8. */
const LEAST_ENTROPY = 1;

/**
 * Called with each image before it is stored. Throwing means that the check could not be made: the
 * order is tried again then, and nothing is handed out.
 *
 * @param {{ job: string, index: number, prompt: string, width: number, height: number,
 *   format: 'png' | 'jpeg' | 'webp', bytes: Uint8Array }} image
 * @returns {Promise<{ allowed: boolean, reason?: string }>} the reason is shown to whoever ordered
 */
export async function checkImage({ bytes }) {
  const { entropy } = await sharp(bytes).stats();
  if (entropy >= LEAST_ENTROPY) return { allowed: true };
  return { allowed: false, reason: 'the picture shows nothing' };
}

/** The same check behind HTTP: JSON in, with the bytes as base64 in `image`, and JSON out. */
function serve(port) {
  const server = createServer(async (request, response) => {
    try {
      const { image, ...facts } = JSON.parse(Buffer.concat(await request.toArray()).toString());
      const verdict = await checkImage({ ...facts, bytes: Buffer.from(image, 'base64') });
      response.setHeader('content-type', 'application/json').end(JSON.stringify(verdict));
    } catch (error) {
      response.writeHead(500).end(String(error));
    }
  });
  server.listen(port, '127.0.0.1', () => {
    process.stdout.write(`http://127.0.0.1:${server.address().port}/\n`);
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) serve(Number(process.argv[2] ?? 0));
