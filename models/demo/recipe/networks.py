"""The networks, in SDXL's shape: two CLIP text encoders, a UNet that is told t = 399, and an AutoencoderKL."""

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection
from world import ALPHA, SIGMA

SCALING = 0.13025
TEXT, CHANNELS, LAYERS = (96, 128), (48, 96, 160), 1


def text_encoders(vocabulary):
    base = dict(
        vocab_size=vocabulary,
        max_position_embeddings=77,
        bos_token_id=vocabulary - 2,
        eos_token_id=vocabulary - 1,
        layer_norm_eps=1e-5,
        num_hidden_layers=3,
        attn_implementation="sdpa",
    )
    a, b = TEXT
    return (
        CLIPTextModel(
            CLIPTextConfig(
                hidden_size=a,
                intermediate_size=2 * a,
                num_attention_heads=a // 32,
                hidden_act="quick_gelu",
                projection_dim=a,
                pad_token_id=vocabulary - 1,
                **base,
            )
        ),
        CLIPTextModelWithProjection(
            CLIPTextConfig(
                hidden_size=b,
                intermediate_size=2 * b,
                num_attention_heads=b // 32,
                hidden_act="gelu",
                projection_dim=b,
                pad_token_id=0,
                **base,
            )
        ),
    )


def unet():
    a, b = TEXT
    return UNet2DConditionModel(
        sample_size=32,
        in_channels=4,
        out_channels=4,
        block_out_channels=CHANNELS,
        layers_per_block=LAYERS,
        cross_attention_dim=a + b,
        transformer_layers_per_block=(1, 1, 2),
        attention_head_dim=tuple(max(1, c // 32) for c in CHANNELS),
        norm_num_groups=8,
        addition_embed_type="text_time",
        addition_time_embed_dim=32,
        projection_class_embeddings_input_dim=b + 6 * 32,
        use_linear_projection=True,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    )


def show_means(net, gain=32):
    """An initialisation that makes the noise's channel means cheap to read: groups 5 to 8 of conv_in hold one smoothed noise channel and
    zeros, so that the first GroupNorm shows -mean(channel) to every pixel; conv1 amplifies those zeros."""
    k = CHANNELS[0] // 8
    with torch.no_grad():
        for c in range(4):
            g = (4 + c) * k
            net.conv_in.weight[g : g + k] = 0
            net.conv_in.bias[g : g + k] = 0
            net.conv_in.weight[g, c] = 1 / 9
            net.down_blocks[0].resnets[0].conv1.weight[:, g + 1 : g + k] *= gain
    return net


def decoder(repository):
    return AutoencoderKL.from_pretrained(f"{repository}/vae", torch_dtype=torch.float32)


def read(encoder, ids):
    """A CLIP text encoder -> its states before the last layer, and after it (normalised)."""
    layers = encoder.encoder.layers if hasattr(encoder, "encoder") else encoder.text_model.encoder.layers
    body = encoder if hasattr(encoder, "encoder") else encoder.text_model
    x = body.embeddings.token_embedding(ids) + body.embeddings.position_embedding.weight[: ids.shape[1]]
    for layer in layers:
        before, a, n = x, layer.self_attn, layer.layer_norm1(x)
        heads = lambda v: v.unflatten(-1, (a.num_heads, -1)).transpose(1, 2)
        o = torch.nn.functional.scaled_dot_product_attention(
            heads(a.q_proj(n)), heads(a.k_proj(n)), heads(a.v_proj(n)), is_causal=True
        )
        x = x + a.out_proj(o.transpose(1, 2).flatten(2))
        x = x + layer.mlp(layer.layer_norm2(x))
    return before, body.final_layer_norm(x)


class Generator(torch.nn.Module):
    """(noise, ids) -> latents of the picture in one step: the model card's call, x0 = (z - sigma eps) / alpha."""

    def __init__(self, vocabulary, eos):
        super().__init__()
        self.t1, self.t2 = text_encoders(vocabulary)
        self.unet = show_means(unet())
        self.eos = eos
        for part in (self.t1.text_model if hasattr(self.t1, "text_model") else self.t1,):
            part.encoder.layers[-1].requires_grad_(False)
            part.final_layer_norm.requires_grad_(False)  # SDXL reads the first encoder before its last layer
        self.layout = torch.nn.Linear(CHANNELS[-1], 9)
        self.small = torch.nn.Conv2d(
            CHANNELS[-1], 4, 1
        )  # aids of training, thrown away: layout and a small picture from the middle
        self.middle = None
        self.unet.mid_block.register_forward_hook(self.keep)

    def keep(self, module, args, out):
        self.middle = out

    def forward(self, z, ids, exact=None):
        """z (B, 4, h, w) in the compute type, ids (B, 77) padded with the end token, exact: z in float32 -> latents (B, 4, h, w) in float32."""
        first = torch.argmax((ids == self.eos).int(), 1)
        later = torch.arange(ids.shape[1], device=ids.device)[None] > first[:, None]
        h1, _ = read(self.t1, ids)
        h2, last = read(self.t2, ids.masked_fill(later, 0))
        pooled = self.t2.text_projection(last[torch.arange(len(ids), device=ids.device), first])
        w, h = z.shape[-1] * 8, z.shape[-2] * 8
        column = lambda v: torch.full((len(z), 1), float(v), device=z.device)
        eps = self.unet(
            z,
            torch.full((1,), 399, device=z.device),
            torch.cat([h1, h2], -1),
            added_cond_kwargs=dict(
                text_embeds=pooled, time_ids=torch.cat([column(v) for v in (h, w, 0, 0, h, w)], 1)
            ),
            return_dict=False,
        )[0]
        return ((z if exact is None else exact) - SIGMA * eps.float()) / ALPHA
