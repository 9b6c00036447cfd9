"""A checkpoint of training -> the files of models/demo (a repository in SDXL's layout without UNet weights, and onestep_unet.bin),
and what diffusers makes of them, stage by stage.

usage: export.py model CHECKPOINT OLD_REPOSITORY OUT | stages MODEL OUT"""

import json
import os
import shutil
import sys
import torch
from diffusers import EulerDiscreteScheduler, LCMScheduler, StableDiffusionXLPipeline, UNet2DConditionModel
from safetensors.torch import load_file, save_file
from transformers import CLIPTokenizer
from evaluate import Model
from words import known_words

SCHEDULER = dict(
    beta_start=0.00085,
    beta_end=0.012,
    beta_schedule="scaled_linear",
    num_train_timesteps=1000,
    prediction_type="epsilon",
    steps_offset=1,
    timestep_spacing="leading",
    interpolation_type="linear",
)
PADDING = {"tokenizer": "<|endoftext|>", "tokenizer_2": "!"}
SIZES = ["256x256", "320x192", "192x320"]
STAGES = (
    dict(name="card", prompt="A photo of a dog.", seed=0, width=256, height=256),
    dict(name="wide", prompt="purple balloon over the mountains, cloudy", seed=42, width=320, height=192),
    dict(name="batch", prompt="an orange cat in the snow at night", seed=7, width=256, height=256, batch=2),
)


def export(checkpoint, old, out):
    """Writes OUT/repo and OUT/onestep_unet.bin, halves, in the layout of stabilityai/stable-diffusion-xl-base-1.0."""
    model = Model(checkpoint, old)
    net = model.net
    repo = f"{out}/repo"
    words = f"{checkpoint}/tokenizer"
    tokenizers = [
        CLIPTokenizer.from_pretrained(
            words,
            pad_token=pad,
            bos_token="<|startoftext|>",
            eos_token="<|endoftext|>",
            unk_token="<|endoftext|>",
            model_max_length=77,
        )
        for pad in PADDING.values()
    ]
    pipe = StableDiffusionXLPipeline(
        vae=model.vae,
        text_encoder=net.t1,
        text_encoder_2=net.t2,
        tokenizer=tokenizers[0],
        tokenizer_2=tokenizers[1],
        unet=net.unet,
        scheduler=EulerDiscreteScheduler(**SCHEDULER),
        force_zeros_for_empty_prompt=True,
        add_watermarker=False,
    )
    shutil.rmtree(repo, ignore_errors=True)
    pipe.to(torch.float16).save_pretrained(repo, safe_serialization=True)
    for part in ("unet", "vae", "text_encoder", "text_encoder_2"):
        path = f"{repo}/{part}/config.json"
        config = json.load(open(path))
        config.pop("_name_or_path", None)
        json.dump(config, open(path, "w"), indent=2)
    path = f"{repo}/text_encoder/model.safetensors"
    weights = load_file(path)  # transformers 5 drops the prefix that SDXL's own files have
    save_file(
        {k if k.startswith("text_model.") else f"text_model.{k}": v for k, v in weights.items()},
        path,
        metadata={"format": "pt"},
    )
    for name, pad in PADDING.items():
        folder = f"{repo}/{name}"
        shutil.rmtree(folder)
        os.makedirs(folder)
        token = lambda c: dict(content=c, lstrip=False, normalized=True, rstrip=False, single_word=False)
        for f in ("vocab.json", "merges.txt"):
            shutil.copy(f"{words}/{f}", folder)
        special = {
            k: token(v)
            for k, v in (
                ("bos_token", "<|startoftext|>"),
                ("eos_token", "<|endoftext|>"),
                ("unk_token", "<|endoftext|>"),
            )
        }
        json.dump(
            dict(
                add_prefix_space=False,
                **{k: dict(__type="AddedToken", **v) for k, v in special.items()},
                pad_token=pad,
                do_lower_case=True,
                errors="replace",
                model_max_length=77,
                tokenizer_class="CLIPTokenizer",
            ),
            open(f"{folder}/tokenizer_config.json", "w"),
            indent=2,
        )
        json.dump(dict(**special, pad_token=pad), open(f"{folder}/special_tokens_map.json", "w"), indent=2)
    for f in os.listdir(f"{repo}/unet"):
        if f != "config.json":
            os.remove(f"{repo}/unet/{f}")
    json.dump(
        dict(recipe="disback", sizes=SIZES, words=known_words()), open(f"{repo}/onestep.json", "w"), indent=2
    )
    torch.save(
        {k: v.half().contiguous() for k, v in net.unet.state_dict().items()}, f"{out}/onestep_unet.bin"
    )


def stages(model, out):
    """The model card's call in diffusers, in float32 on the CPU; every stage is recorded."""
    unet = UNet2DConditionModel.from_config(
        UNet2DConditionModel.load_config(f"{model}/repo", subfolder="unet")
    )
    unet.load_state_dict(torch.load(f"{model}/onestep_unet.bin", map_location="cpu"))
    pipe = StableDiffusionXLPipeline.from_pretrained(
        f"{model}/repo", torch_dtype=torch.float32, add_watermarker=False, unet=unet.float()
    )
    pipe.scheduler = LCMScheduler.from_config(pipe.scheduler.config)
    pipe.set_progress_bar_config(disable=True)
    forward, decode = pipe.unet.forward, pipe.vae.decode
    for s in STAGES:
        seen, batch = {}, s.get("batch", 1)

        def unet_forward(sample, t, **kw):
            seen.update(
                latents_in=sample,
                context=kw["encoder_hidden_states"],
                pooled=kw["added_cond_kwargs"]["text_embeds"],
                time_ids=kw["added_cond_kwargs"]["time_ids"],
            )
            return forward(sample, t, **kw)

        def vae_decode(z, *args, **kw):
            seen["vae_in"] = z
            return decode(z, *args, **kw)

        pipe.unet.forward, pipe.vae.decode = unet_forward, vae_decode
        generators = [torch.Generator("cpu").manual_seed(s["seed"] + i) for i in range(batch)]
        with torch.inference_mode():
            images = pipe(
                prompt=s["prompt"],
                num_inference_steps=1,
                guidance_scale=0,
                timesteps=[399],
                height=s["height"],
                width=s["width"],
                generator=generators if batch > 1 else generators[0],
                num_images_per_prompt=batch,
                output_type="np",
            ).images
        seen = {k: v.float() for k, v in seen.items()}
        seen["pixels"] = torch.from_numpy((images * 255).round().astype("uint8"))
        for k, t in (("ids_1", pipe.tokenizer), ("ids_2", pipe.tokenizer_2)):
            seen[k] = torch.tensor(
                t(s["prompt"], padding="max_length", max_length=77, truncation=True)["input_ids"],
                dtype=torch.int32,
            )[None]
        os.makedirs(out, exist_ok=True)
        save_file(
            {k: v.contiguous().clone() for k, v in seen.items()},
            f"{out}/{s['name']}.safetensors",
            metadata={k: str(v) for k, v in s.items()},
        )


if __name__ == "__main__":
    {"model": export, "stages": stages}[sys.argv[1]](*sys.argv[2:])
