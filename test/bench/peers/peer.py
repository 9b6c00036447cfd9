"""UNet and decoder of SDXL's size, random weights, as a user of another library would run them on a CPU.

usage: peer.py KIND DECODER SIDE IMAGES THREADS < configurations as JSON
prints one JSON document: seconds of each image, and the most memory of the process
"""
import gc
import json
import resource
import sys
import time

import torch

kind, decoder, side, images, threads = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6])
configs = json.load(sys.stdin)
torch.set_num_threads(threads)
torch.manual_seed(0)
dtype = torch.float32 if kind == "diffusers-fp32" else torch.bfloat16


def filled(module):
    """The module with random weights, in the peer's type and layout."""
    module = module.to(dtype).to_empty(device="cpu").eval().requires_grad_(False)
    for name, value in module.named_parameters():
        if value.dim() > 1:
            value.normal_(0, 0.02)
        else:
            value.fill_(1.0 if name.endswith("weight") else 0.0)
    return module.to(memory_format=torch.channels_last) if kind.endswith("channels-last") else module


def made(name, config):
    import diffusers

    with torch.device("meta"):
        return getattr(diffusers, name).from_config(config)


def through_openvino(module, example):
    """The module compiled by OpenVINO for these shapes, in bfloat16."""
    import openvino

    model = openvino.convert_model(module.float(), example_input=tuple(value.float() for value in example))
    for port, value in zip(model.inputs, example):
        port.get_node().set_partial_shape(openvino.PartialShape(list(value.shape)))
    model.validate_nodes_and_infer_types()
    settings = {"INFERENCE_PRECISION_HINT": "bf16", "INFERENCE_NUM_THREADS": threads}
    compiled = openvino.Core().compile_model(model, "CPU", settings)
    return lambda *values: compiled([value.float().numpy() for value in values])


class Unet(torch.nn.Module):
    """With one call that takes tensors alone, as a converter wants it."""

    def __init__(self, unet):
        super().__init__()
        self.unet = unet

    def forward(self, latents, context, pooled, sizes):
        conditions = {"text_embeds": pooled, "time_ids": sizes}
        step = torch.tensor(399)
        return self.unet(latents, step, encoder_hidden_states=context, added_cond_kwargs=conditions).sample


class Decoder(torch.nn.Module):
    def __init__(self, vae):
        super().__init__()
        self.vae = vae

    def forward(self, latents):
        return self.vae.decode(latents).sample


def seconds(module, example):
    """Of each image in turn; what is prepared before the first does not count."""
    run = through_openvino(module, example) if kind.startswith("openvino") else module
    times = []
    for _ in range(images):
        started = time.perf_counter()
        run(*example)
        times.append(round(time.perf_counter() - started, 2))
    return times


latents = torch.randn(1, 4, side // 8, side // 8).to(dtype)
conditions = [
    torch.randn(1, 77, configs["unet"]["cross_attention_dim"]).to(dtype),
    torch.randn(1, 1280).to(dtype),
    torch.tensor([[side, side, 0, 0, side, side]]).to(dtype),
]
report = {"kind": kind, "decoder": decoder, "side": side}
with torch.no_grad():
    unet = Unet(filled(made("UNet2DConditionModel", configs["unet"])))
    report["unet"] = seconds(unet, (latents, *conditions))
    del unet
    gc.collect()
    name = "AutoencoderTiny" if decoder == "tiny" else "AutoencoderKL"
    report["decoderSeconds"] = seconds(Decoder(filled(made(name, configs[decoder]))), (latents,))
report["peakRssBytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps(report))
