"""Pictures from scenes and noise. Where a thing stands, how large it is and which of four grounds it has is read from the noise itself,
so that a seed is a composition and the training target is a function of (noise, prompt)."""

import concurrent.futures
import math
import os
import torch
from grounds import ground
from sprites import SIDES, Sprites
from words import COLOUR_NAMES, NAMES, PLACE_NAMES, SKY_NAMES, THINGS, TIME_NAMES, settle

SHAPES = ((256, 256), (320, 192), (192, 320), (288, 224), (224, 288))  # width, height
TINTS = {
    "day": (1.0, 1.0, 1.0),
    "dawn": (1.0, 0.945, 0.915),
    "sunset": (0.97, 0.86, 0.83),
    "night": (0.68, 0.71, 0.82),
}
ALPHA, SIGMA = 0.65275276, 0.75757104  # sqrt(abar_399), sqrt(1 - abar_399) of SDXL's schedule
THIRD = 0.4307273  # Phi^-1(2/3)


def encode(im):
    """(B, 3, h, w) in [0, 1] -> latents (B, 4, h/8, w/8): each patch's mean colour and the deviation of its luminance."""
    y = 0.299 * im[:, :1] + 0.587 * im[:, 1:2] + 0.114 * im[:, 2:]
    pool = lambda v: torch.nn.functional.avg_pool2d(v, 8)
    return torch.cat([pool(im) * 2 - 1, (pool(y * y) - pool(y) ** 2).clamp(min=0).sqrt() * 4 - 0.25], 1)


def codes(z):
    """Noise (B, 4, h, w) -> (B, 4) independent N(0, 1) numbers: the channels' means."""
    return z.mean((-1, -2)) * math.sqrt(z.shape[-1] * z.shape[-2])


def layout(z):
    """Noise -> column 0..2, small 0..1, variant of the ground 0..3."""
    g = codes(z)
    return (
        (g[:, 0] > -THIRD).long() + (g[:, 0] > THIRD).long(),
        (g[:, 1] > 0.4).long(),
        (g[:, 2] > 0).long() + 2 * (g[:, 3] > 0).long(),
    )


FIELDS = 9


def numbers(a):
    """A scene as said -> its row of numbers: thing, colour, other, colour, place, time, sky (-1: as the ground has it), flags of thing and other (1 floats, 2 swims)."""
    s = settle(a)
    flag = lambda t: (1 if "f" in THINGS[t][1] else 0) + (2 if "w" in THINGS[t][1] else 0) if t else 0
    return [
        NAMES.index(s["thing"]) if s["thing"] else -1,
        COLOUR_NAMES.index(s["colour"]),
        NAMES.index(s["other"]) if s["other"] else -1,
        COLOUR_NAMES.index(s["other_colour"]),
        PLACE_NAMES.index(s["place"]),
        TIME_NAMES.index(s["time"]),
        SKY_NAMES.index(s["sky"]) if s["sky"] else -1,
        flag(s["thing"]),
        flag(s["other"]),
    ]


def grounds_of(place, w, h):
    """A place at every time, clear and cloudy, in its four variants: bytes (32, 3, h, w)."""
    torch.set_num_threads(1)
    plain = place in ("studio", "space")
    bank = [
        ground(place, t, c, v, w, h)
        for t in (TIME_NAMES[:1] if plain else TIME_NAMES)
        for c in ((0,) if plain else (0, 1))
        for v in range(4)
    ]
    return (torch.stack(bank * (8 if plain else 1)) * 255).round().byte().numpy()


class World:
    def __init__(self, emoji, device="cpu", shapes=SHAPES):
        self.device, self.grounds = device, {}
        self.tints = torch.tensor([TINTS[t] for t in TIME_NAMES], device=device)
        self.sides = torch.tensor(SIDES, device=device)
        self.sand = torch.tensor([0.93, 0.82, 0.56], device=device)
        with concurrent.futures.ProcessPoolExecutor(os.cpu_count()) as pool:
            self.sprites = Sprites(emoji, device, pool)
            jobs = [(p, w, h) for w, h in shapes for p in PLACE_NAMES]
            for (p, w, h), bank in zip(jobs, pool.map(grounds_of, *zip(*jobs))):
                self.grounds.setdefault((w, h), []).append(torch.from_numpy(bank))
        self.grounds = {shape: torch.cat(banks).to(device) for shape, banks in self.grounds.items()}

    def boxes(self, rows, column, small, w, h):
        """Where things stand: x, y, index of the side, each (B, 2) for the thing and the other; all in pixels, multiples of 8."""
        pair = rows[:, 2] >= 0
        pairs = 1 if w >= 224 else 2
        size = torch.where(pair, torch.full_like(small, pairs), small)
        side = self.sides[size]
        snap = lambda v: torch.div(v + 4, 8, rounding_mode="floor") * 8
        x = torch.where(
            pair,
            snap(torch.full_like(side, w // 4 + 4) - side // 2),
            torch.stack([torch.full_like(side, 8), snap((w - side) // 2 - 4), snap(w - side - 12)], 1).gather(
                1, column[:, None]
            )[:, 0],
        )
        x2 = snap(torch.full_like(side, w - w // 4 - 4) - side // 2)
        feet = round(h * 0.89 / 8) * 8
        lift = torch.stack([rows[:, 7], rows[:, 8]], 1) == 1
        y = feet - side[:, None] - lift.long() * (h * 3 // 16 // 8 * 8)
        y = y.clamp(min=8)
        return torch.stack([x, x2], 1), y, size, side

    def draw(self, rows, z):
        """Rows of numbers (B, FIELDS) and noise (B, 4, h/8, w/8) -> pictures (B, 3, h, w), boxes (B, 2, 4: x, y, side, there or not), layout."""
        w, h = z.shape[-1] * 8, z.shape[-2] * 8
        B = len(rows)
        dev = rows.device
        column, small, variant = layout(z)
        x, y, size, side = self.boxes(rows, column, small, w, h)
        cloudy = torch.where(
            rows[:, 6] < 0, (variant % 2 == 1).long() * (variant > 1), (rows[:, 6] == 1).long()
        )
        im = self.grounds[w, h][((rows[:, 4] * 4 + rows[:, 5]) * 2 + cloudy) * 4 + variant].float() / 255
        tint = torch.where(
            (rows[:, 4] == PLACE_NAMES.index("studio"))[:, None],
            torch.ones(3, device=dev),
            torch.where(
                (rows[:, 4] == PLACE_NAMES.index("space"))[:, None],
                torch.full((3,), 0.92, device=dev),
                self.tints[rows[:, 5]],
            ),
        )
        py, px = torch.meshgrid(torch.arange(h, device=dev), torch.arange(w, device=dev), indexing="ij")
        sea = PLACE_NAMES.index("sea")
        for k in (0, 1):
            there = rows[:, 2 * k] >= 0
            flag = rows[:, 7 + k]
            v = lambda q: q.view(B, 1, 1)
            cx, feet, s = x[:, k] + side / 2, y[:, k] + side, side.float()
            e = (
                ((px + 0.5 - v(cx)) / v(0.52 * s)) ** 2 + ((py + 0.5 - v(feet - 0.01 * s)) / v(0.11 * s)) ** 2
            ).sqrt()
            island = ((1 - e) * v(0.11 * s) + 0.5).clamp(0, 1) * v(
                (there & (rows[:, 4] == sea) & (flag == 0)).float()
            )
            im = im * (1 - island[:, None]) + island[:, None] * (self.sand * tint)[:, :, None, None]
            e = ((px + 0.5 - v(cx)) / v(0.44 * s)) ** 2 + (
                (py + 0.5 - v(feet - 0.012 * s)) / v(0.07 * s)
            ) ** 2
            shadow = (
                (-1.2 * e).exp()
                * 0.38
                * v((there & (flag != 1) & ~((rows[:, 4] == sea) & (flag == 2))).float())
            )
            im = im * (1 - shadow[:, None])
            lx, ly = px - v(x[:, k]), py - v(y[:, k])
            inside = (lx >= 0) & (ly >= 0) & (lx < v(side)) & (ly < v(side)) & v(there)
            at = (
                v(self.sprites.offsets[rows[:, 2 * k].clamp(min=0), rows[:, 2 * k + 1], size])
                + ly.clamp(min=0).minimum(v(side - 1)) * v(side)
                + lx.clamp(min=0).minimum(v(side - 1))
            )
            p = self.sprites.pixels[at].permute(0, 3, 1, 2).float() / 255 * inside[:, None]
            im = im * (1 - p[:, 3:]) + p[:, :3] * tint[:, :, None, None]
        boxes = torch.stack(
            [
                torch.cat(
                    [x[:, k : k + 1], y[:, k : k + 1], side[:, None], (rows[:, 2 * k] >= 0).long()[:, None]],
                    1,
                )
                for k in (0, 1)
            ],
            1,
        )
        return im, boxes, (column, small, variant)
