"""Makes the reference data that recipes, LoRAs and small decoders are compared with: what diffusers draws.

    python make_references.py REPOSITORY OUT [--size WxH] [--prompt TEXT] [--seed N]

REPOSITORY is laid out as stable-diffusion-xl-base-1.0 is; its weights are used in float32. Writes
OUT/kinds/NAME.safetensors for every recipe, and OUT/extras with a LoRA in each spelling, what it makes at
scale 0.7, and a small decoder with what it makes in place of the VAE. Compare them by

    REFERENCES=REPOSITORY:OUT npx vitest run --project unit test/unit/engine/package/other-shapes.test.ts

Needs torch, diffusers 0.42.1, transformers, peft and safetensors.
"""

import argparse
from pathlib import Path

import torch
from diffusers import (
    AutoencoderTiny,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    LCMScheduler,
    StableDiffusionXLPipeline,
    TCDScheduler,
)
from safetensors.torch import save_file

SCALE = 0.7
RANK = 2

# Each recipe as its model card calls it: the scheduler's class, timestep, prediction.
RECIPES = {
    "disback": (LCMScheduler, 399, "epsilon"),
    "dmd2": (LCMScheduler, 399, "epsilon"),
    "turbo": (EulerAncestralDiscreteScheduler, None, "epsilon"),
    "lightning": (EulerDiscreteScheduler, None, "sample"),
    "hyper": (LCMScheduler, 800, "epsilon"),
    "hyper-lora": (TCDScheduler, 999, "epsilon"),
    "nitrosd-realism": (LCMScheduler, 249, "epsilon"),
    "nitrosd-vibrant": (LCMScheduler, 499, "epsilon"),
    "vpred": (LCMScheduler, 399, "v_prediction"),
}


def load(repository):
    pipeline = StableDiffusionXLPipeline.from_pretrained(
        repository, torch_dtype=torch.float32, add_watermarker=False
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def call(pipeline, recipe, prompt, seed, width, height):
    """The pipeline's call, with what goes in and out of its parts."""
    scheduler, timestep, prediction = RECIPES[recipe]
    options = {"prediction_type": prediction}
    if timestep is None:
        options["timestep_spacing"] = "trailing"
    pipeline.scheduler = scheduler.from_config(pipeline.scheduler.config, **options)
    seen = {}

    def on_unet(_module, args, kwargs, output):
        seen["unet_in"] = args[0]
        seen["timestep"] = torch.as_tensor(args[1], dtype=torch.float32).reshape(1)
        seen["eps"] = output[0]

    decode = pipeline.vae.decode

    def on_decode(latents, *args, **kwargs):
        seen["vae_in"] = latents
        return decode(latents, *args, **kwargs)

    hook = pipeline.unet.register_forward_hook(on_unet, with_kwargs=True)
    pipeline.vae.decode = on_decode
    steps = {"num_inference_steps": 1} if timestep is None else {"timesteps": [timestep]}
    if scheduler is TCDScheduler:
        steps["eta"] = 1.0
    factor = pipeline.vae_scale_factor
    shape = (1, pipeline.unet.config.in_channels, height // factor, width // factor)
    try:
        images = pipeline(
            prompt,
            guidance_scale=0,
            width=width,
            height=height,
            # The crops and sizes of the card's call, whatever size the repository says it has.
            original_size=(height, width),
            target_size=(height, width),
            generator=torch.Generator("cpu").manual_seed(seed),
            output_type="pt",
            **steps,
        ).images
    finally:
        hook.remove()
        del pipeline.vae.decode
    seen["latents_in"] = torch.randn(shape, generator=torch.Generator("cpu").manual_seed(seed))
    seen["pixels"] = (images.permute(0, 2, 3, 1) * 255).round().to(torch.uint8)
    return {name: tensor.detach().contiguous() for name, tensor in seen.items()}


def adapter(pipeline, generator):
    """Random factors for attention, feed-forward and convolutions, by the module's name."""
    factors = {}
    for name, module in pipeline.unet.named_modules():
        # A few blocks keep the files small.
        if not name.startswith(("mid_block", "up_blocks.1", "down_blocks.1")):
            continue
        weight = getattr(module, "weight", None)
        linear = isinstance(module, torch.nn.Linear) and ("attn" in name or "ff.net" in name)
        convolution = isinstance(module, torch.nn.Conv2d) and ".resnets.0.conv" in name
        if not linear and not convolution:
            continue
        down = torch.randn((RANK, *weight.shape[1:]), generator=generator) * 0.1
        up = torch.randn((weight.shape[0], RANK, *[1] * (weight.dim() - 2)), generator=generator)
        factors[name] = (down, up * 0.1)
    return factors


def spellings(factors):
    """The same adapter as kohya, diffusers and PEFT write it; kohya's alpha is half the rank."""
    kohya, diffusers, peft = {}, {}, {}
    for name, (down, up) in factors.items():
        flat = "lora_unet_" + name.replace(".", "_")
        # Alpha halves what the factors make: the other spellings hold the half itself.
        kohya |= {
            f"{flat}.lora_down.weight": down,
            f"{flat}.lora_up.weight": up,
            f"{flat}.alpha": torch.tensor(RANK / 2),
        }
        diffusers |= {f"unet.{name}.lora.down.weight": down, f"unet.{name}.lora.up.weight": up / 2}
        peft |= {f"unet.{name}.lora_A.weight": down, f"unet.{name}.lora_B.weight": up / 2}
    return {"lora-kohya": kohya, "lora-diffusers": diffusers, "lora-peft": peft}


def sgm_name(name, layers):
    """A module of the UNet as Stability AI's own code names it; `layers` is `layers_per_block`."""
    place, _, rest = name.partition(".")
    if place == "mid_block":
        kind, index, inner = rest.split(".", 2)
        block = f"middle_block.{1 if kind == 'attentions' else 2 * int(index)}"
    else:
        level, kind, index, inner = rest.split(".", 3)
        first = int(level) * (layers + 1) + int(index)
        side = f"input_blocks.{first + 1}" if place == "down_blocks" else f"output_blocks.{first}"
        block = f"{side}.{1 if kind == 'attentions' else 0}"
    parts = {"conv1": "in_layers.2", "conv2": "out_layers.3", "conv_shortcut": "skip_connection"}
    return f"{block}.{parts.get(inner, inner)}"


def text_adapter(encoder, generator):
    """Random factors for the first layer's attention and feed-forward."""
    factors = {}
    for name, module in encoder.named_modules():
        if ".layers.0." in name and isinstance(module, torch.nn.Linear):
            down = torch.randn((RANK, module.in_features), generator=generator) * 0.1
            up = torch.randn((module.out_features, RANK), generator=generator) * 0.1
            factors[name] = (down, up)
    return factors


def merge(model, factors):
    modules = dict(model.named_modules())
    for name, (down, up) in factors.items():
        weight = modules[name].weight
        change = up.flatten(1) @ down.flatten(1)
        weight.add_(change.reshape(weight.shape), alpha=SCALE / 2)


def kohya(prefix, factors, rename):
    tensors = {}
    for name, (down, up) in factors.items():
        flat = f"{prefix}_{rename(name).replace('.', '_')}"
        tensors |= {
            f"{flat}.lora_down.weight": down,
            f"{flat}.lora_up.weight": up,
            f"{flat}.alpha": torch.tensor(RANK / 2),
        }
    return tensors


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("repository", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--size", default="64x96")
    parser.add_argument("--prompt", default="a red boat at sea")
    parser.add_argument("--seed", type=int, default=5)
    given = parser.parse_args()
    width, height = map(int, given.size.split("x"))
    arguments = (given.prompt, given.seed, width, height)
    facts = {
        "prompt": given.prompt,
        "seed": str(given.seed),
        "width": str(width),
        "height": str(height),
    }
    for folder in ("kinds", "extras/tiny"):
        (given.out / folder).mkdir(parents=True, exist_ok=True)

    def write(name, tensors):
        kept = {key: tensor.contiguous().clone() for key, tensor in tensors.items()}
        save_file(kept, given.out / f"{name}.safetensors", facts)

    with torch.no_grad():
        for recipe in RECIPES:
            write(f"kinds/{recipe}", call(load(given.repository), recipe, *arguments))

        pipeline = load(given.repository)
        generator = torch.Generator("cpu").manual_seed(1)
        factors = adapter(pipeline, generator)
        for name, tensors in spellings(factors).items():
            write(f"extras/{name}", tensors)
        merge(pipeline.unet, factors)
        merged = call(pipeline, "disback", *arguments)
        pipeline = load(given.repository)
        pipeline.load_lora_weights(given.out / "extras", weight_name="lora-peft.safetensors")
        pipeline.fuse_lora(lora_scale=SCALE)
        fused = call(pipeline, "disback", *arguments)
        # A check of the reference itself: diffusers' own merging makes the same.
        torch.testing.assert_close(fused["vae_in"], merged["vae_in"], rtol=1e-4, atol=1e-4)
        write("extras/lora", merged)

        # Another one, by the names of Stability AI's own code and with both text encoders.
        pipeline = load(given.repository)
        generator = torch.Generator("cpu").manual_seed(3)
        layers = pipeline.unet.config.layers_per_block
        encoders = {"lora_te1": pipeline.text_encoder, "lora_te2": pipeline.text_encoder_2}
        factors = adapter(pipeline, generator)
        tensors = kohya("lora_unet", factors, lambda name: sgm_name(name, layers))
        merge(pipeline.unet, factors)
        for prefix, encoder in encoders.items():
            factors = text_adapter(encoder, generator)
            # Transformers 5 names a part without the whole's name before it.
            tensors |= kohya(
                prefix, factors, lambda name: f"text_model.{name.removeprefix('text_model.')}"
            )
            merge(encoder, factors)
        write("extras/lora-kohya-sgm", tensors)
        write("extras/lora-sgm", call(pipeline, "disback", *arguments))

        pipeline = load(given.repository)
        torch.manual_seed(2)
        levels = len(pipeline.vae.config.block_out_channels)
        tiny = AutoencoderTiny(
            encoder_block_out_channels=(16,) * levels,
            decoder_block_out_channels=(16,) * levels,
            num_encoder_blocks=(1,) * levels,
            num_decoder_blocks=(2,) * (levels - 1) + (1,),
            latent_channels=pipeline.vae.config.latent_channels,
        )
        # Random weights are nearly grey; these fill the range.
        tiny.decoder.layers[-1].weight.mul_(6)
        tiny.save_pretrained(given.out / "extras/tiny")
        pipeline.vae = tiny
        pipeline.register_to_config(vae=("diffusers", "AutoencoderTiny"))
        write("extras/tiny-decoder", call(pipeline, "disback", *arguments))


if __name__ == "__main__":
    main()
