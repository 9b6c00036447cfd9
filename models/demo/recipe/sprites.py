"""Things as pictures: Microsoft's Fluent Emoji, cropped, in eleven colours."""

import os
import numpy as np
import torch
from PIL import Image
from words import COLOURS, COLOUR_NAMES, NAMES, THINGS, takes_colour

SIDES = (144, 104, 88)  # a thing alone (large, small), and one of two in a narrow picture; pixels
LUMA = torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)


def sprite(thing, emoji):
    """(4, 256, 256) RGBA in [0, 1]: the emoji at its full size, its feet on the lower edge."""
    im = Image.open(os.path.join(emoji, THINGS[thing][0] + ".webp")).convert("RGBA")
    im = im.crop(im.getchannel("A").point(lambda a: 255 * (a > 16)).getbbox())
    side = max(im.size)
    square = Image.new("RGBA", (side, side))
    square.paste(im, ((side - im.width) // 2, side - im.height))
    return torch.from_numpy(np.array(square.resize((256, 256), Image.LANCZOS))).permute(2, 0, 1).float() / 255


def recoloured(s, colour):
    """The sprite in another colour by its luminance; eyes, outlines and whites stay, with a soft edge."""
    rgb, a = s[:3], s[3:]
    y = (rgb * LUMA).sum(0, keepdim=True)
    n = y / y[a > 0.5].quantile(0.75).clamp(min=0.2)
    t = torch.tensor(COLOURS[colour]).view(3, 1, 1)
    new = (t * n.clamp(max=1.04) + (n - 1).clamp(0, 0.6) * 0.7).clamp(0, 1)
    chroma = rgb.amax(0, keepdim=True) - rgb.amin(0, keepdim=True)
    keep = torch.maximum(
        ((0.22 - y) / 0.08).clamp(0, 1),
        ((0.16 - chroma) / 0.06).clamp(0, 1) * ((y - 0.70) / 0.08).clamp(0, 1),
    )
    keep = torch.nn.functional.avg_pool2d(keep[None], 5, 1, 2, count_include_pad=False)[0]
    return torch.cat([new * (1 - keep) + rgb * keep, a])


def sheet(thing, emoji):
    """All colours and sizes of a thing, premultiplied: {(colour, size): bytes (side * side, 4)}."""
    torch.set_num_threads(1)
    base, out = sprite(thing, emoji), {}
    for j, colour in enumerate(COLOUR_NAMES):
        if j and not takes_colour(thing):
            break
        s = recoloured(base, colour) if j else base
        s = torch.cat([s[:3] * s[3:], s[3:]])
        for k, side in enumerate(SIDES):
            small = torch.nn.functional.interpolate(s[None], size=side, mode="bilinear", antialias=True)[
                0
            ].clamp(0, 1)
            out[j, k] = (small * 255).round().byte().permute(1, 2, 0).reshape(-1, 4).numpy()
    return out


class Sprites:
    """Every thing in every colour and size, packed: one flat tensor of RGBA bytes with the offset of each."""

    def __init__(self, emoji, device, pool):
        parts, offsets, at = [], torch.zeros(len(NAMES), len(COLOUR_NAMES), len(SIDES), dtype=torch.long), 0
        for i, made in enumerate(pool.map(sheet, NAMES, [emoji] * len(NAMES))):
            for j in range(len(COLOUR_NAMES)):
                for k, side in enumerate(SIDES):
                    if (j, k) not in made:
                        offsets[i, j, k] = offsets[i, 0, k]
                        continue
                    parts.append(torch.from_numpy(made[j, k]))
                    offsets[i, j, k] = at
                    at += side * side
        self.pixels, self.offsets = torch.cat(parts).to(device), offsets.to(device)
