import { afterEach, describe, expect, it } from 'vitest';
import { assertOnHub } from '#functions/cli/deploy/assert-on-hub.ts';
import { type HubStandIn, type StandInRepository, startHub } from '#test/helpers/hub-stand-in.ts';

const file = { content: new Uint8Array([1]) };
const repositoryOf = (...paths: string[]): StandInRepository => ({
  files: Object.fromEntries(paths.map((path) => [path, file])),
});
const PARTS = ['text_encoder', 'text_encoder_2', 'vae'].map((part) => `${part}/model.safetensors`);
const UNET = 'unet/diffusion_pytorch_model.safetensors';

let hub: HubStandIn | undefined;
afterEach(async () => {
  await hub?.close();
  hub = undefined;
});

async function look(
  model: string,
  repositories: Record<string, StandInRepository>,
): Promise<string[]> {
  hub = await startHub(repositories);
  return lookAt(hub.url, model);
}

async function lookAt(hubUrl: string, model: string): Promise<string[]> {
  const said: string[] = [];
  const { signal } = new AbortController();
  await assertOnHub(
    { access: { hubUrl, accessToken: undefined, fetch, signal }, say: (line) => said.push(line) },
    model,
  );
  return said;
}

describe('a model of the hub, before the account builds it', () => {
  it('is taken where it is known to be one-step, or says so itself', async () => {
    expect(
      await look('syzhang0805/disback', {
        'stabilityai/stable-diffusion-xl-base-1.0': repositoryOf(...PARTS),
        'SYZhang0805/DisBack': repositoryOf('SDXL_DisBack.bin'),
      }),
    ).toEqual([]);
    await hub?.close();
    const own = repositoryOf(...PARTS, UNET, 'onestep.json');
    expect(await look('somebody/fast', { 'somebody/fast': own })).toEqual([]);
  });

  it.each([
    ['somebody/disbakc', {}, /shows no model somebody\/disbakc: it does not exist, or it needs/],
    [
      'somebody/private',
      { 'somebody/private': { ...repositoryOf(...PARTS, UNET), token: 'hf_secret' } },
      /shows no model somebody\/private.*HF_TOKEN/,
    ],
    [
      'somebody/language',
      { 'somebody/language': repositoryOf('model.safetensors') },
      /somebody\/language has no text_encoder weights.*onestep deploy FOLDER/,
    ],
    [
      'somebody/slow',
      { 'somebody/slow': repositoryOf(...PARTS, UNET) },
      /somebody\/slow is not known to make images in one step/,
    ],
  ])('%s is refused with what to do', async (model, repositories, message) => {
    await expect(look(model, repositories)).rejects.toThrow(message);
  });

  it('is left to the build where the hub is out of reach', async () => {
    hub = await startHub({});
    const { url } = hub;
    await hub.close();
    hub = undefined;
    expect(await lookAt(url, 'a/b')).toEqual([
      expect.stringMatching(/^ {3}not looked up on the hub.*a\/b: .* can't be reached/),
    ]);
  });
});
