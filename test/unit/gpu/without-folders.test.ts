import { expect, it } from 'vitest';
import { withoutFolders } from '#functions/gpu/without-folders.ts';

it.each([
  [
    'vae.onnx cannot be loaded: Load model from /tmp/x/vae.onnx failed:Protobuf parsing failed.',
    'vae.onnx cannot be loaded: Load model from vae.onnx failed:Protobuf parsing failed.',
  ],
  ['/home/Jörg Müller/модели/manifest.json: "digest": wrong', 'manifest.json: "digest": wrong'],
  ['models/own/unet.onnx is missing', 'unet.onnx is missing'],
  ['C:\\models\\own\\unet.onnx is missing', 'unet.onnx is missing'],
  ['/disback is not a model package', 'disback is not a model package'],
  [
    "External data path '/a b/unet.data' does not exist",
    "External data path 'unet.data' does not exist",
  ],
  ["The model's pixels are not finite numbers.", "The model's pixels are not finite numbers."],
])('leaves the file of %s', (message, shown) => {
  expect(withoutFolders(message)).toBe(shown);
});
