"""Scores a checkpoint on combinations that training never saw, and draws contact sheets.

The box comes from the layout's own code. A thing is recognised as the nearest of all things, each drawn by the program in the same box and
colour: distance = 1 - correlation of 32 x 32 luma + L1 of an 8-bin hue histogram. Shuffled prompts are scored beside it, to show chance.

usage: evaluate.py --emoji ASSETS --model CHECKPOINT [--sheets FOLDER] [--pictures N]"""

import argparse
import collections
import json
import os
import random
import sys
import torch
from PIL import Image
from networks import SCALING, Generator, decoder
from tokens import CONTEXT, Tokens
from words import (
    COLOUR_NAMES,
    COLOURS,
    NAMES,
    PLACE_NAMES,
    TIME_NAMES,
    held_out,
    prompt,
    scene,
    settle,
    takes_colour,
)
from world import SHAPES, World, encode, layout, numbers

F = torch.nn.functional


class Model:
    """A checkpoint of training: prompts and noise -> pictures (B, 3, h, w) in [0, 1]."""

    def __init__(self, folder, vae):
        self.tokens = Tokens(f"{folder}/tokenizer")
        self.net = Generator(self.tokens.size, self.tokens.eos).eval()
        self.vae = decoder(vae).eval()
        load = lambda n: torch.load(f"{folder}/{n}.pt")
        self.net.load_state_dict({k: v.float() for k, v in (load("net1") | load("net2")).items()})
        self.vae.load_state_dict({k: v.float() for k, v in load("vae").items()})

    @torch.no_grad()
    def latents(self, texts, z):
        ids = [self.tokens.ids(t) for t in texts]
        ids = torch.tensor([i + [self.tokens.eos] * (CONTEXT - len(i)) for i in ids])
        return torch.cat([self.net(a, b) for a, b in zip(z.split(16), ids.split(16))])

    @torch.no_grad()
    def decode(self, x):
        return torch.cat([self.vae.decode(v / SCALING).sample.clamp(-1, 1) / 2 + 0.5 for v in x.split(8)])

    def draw(self, texts, z):
        return self.decode(self.latents(texts, z))


def crop(im, box):
    x, y, s = box[:3].tolist()
    return im[:, y : y + s, x : x + s]


def look(p):
    """(3, s, s) -> 32 x 32 luma, centred and of unit length, and an 8-bin hue histogram."""
    p = F.interpolate(p[None], size=(32, 32), mode="area")[0].clamp(0, 1)
    luma = (p * torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)).sum(0).flatten()
    luma = luma - luma.mean()
    top, low = p.amax(0), p.amin(0)
    d = (top - low).clamp(min=1e-4)
    r, g, b = p
    hue = (
        torch.where(top == r, ((g - b) / d) % 6, torch.where(top == g, (b - r) / d + 2, (r - g) / d + 4)) / 6
    )
    bins = torch.zeros(8).index_add_(0, (hue * 8 + 0.5).long().flatten() % 8, (top - low).flatten())
    return luma / (luma.norm() + 1e-6), bins / (bins.sum() + 1e-6)


def distance(a, b):
    return (1 - (a[0] * b[0]).sum() + (a[1] - b[1]).abs().sum()).item()


def decibels(e):
    return -10 * torch.tensor(max(e, 1e-9)).log10().item()


def energy(p):
    return ((p[:, :, 1:] - p[:, :, :-1]).square().mean() + (p[:, 1:] - p[:, :-1]).square().mean()).item()


def nearest(im, box, options, world, z):
    """Which of the scenes (as said) the box looks most like: its index."""
    drawn = world.draw(torch.tensor([numbers(o) for o in options]), z[None].expand(len(options), -1, -1, -1))[
        0
    ]
    me = look(crop(im, box))
    d = [distance(me, look(crop(o, box))) for o in drawn]
    return d.index(min(d))


def closest(im, region, options, world, z):
    """Which of the scenes has the least squared error in a region (a mask)."""
    drawn = world.draw(torch.tensor([numbers(o) for o in options]), z[None].expand(len(options), -1, -1, -1))[
        0
    ]
    e = ((drawn - im).square().mean(1) * region).sum((-1, -2))
    return e.argmin().item()


def single(rng):
    """A scene of one thing in a place at a time, from those that training never saw; everything that is scored is said."""
    while True:
        a = dict(thing=rng.choice(NAMES), place=rng.choice(PLACE_NAMES[1:]), time=rng.choice(TIME_NAMES))
        if takes_colour(a["thing"]) and rng.random() < 0.7:
            a["colour"] = rng.choice(list(COLOURS))
        if a["place"] == "space":
            a["time"] = None
        f = settle(a)
        if held_out(f["thing"], f["colour"], f["place"], f["time"]):
            return a


def score(model, world, count, seed=5):
    rng, g = random.Random(seed), torch.Generator().manual_seed(seed)
    n = collections.Counter()
    box_db, whole_db, gain, best_whole, best_box, wrong = [], [], [], [], [], collections.Counter()
    worst = collections.defaultdict(list)
    scenes = [single(rng) for _ in range(count)]
    texts = [prompt(a, rng) for a in scenes]
    for at in range(0, count, 16):
        part = scenes[at : at + 16]
        z = torch.randn(len(part), 4, 32, 32, generator=g)
        want, boxes, _ = world.draw(torch.tensor([numbers(a) for a in part]), z)
        got = model.draw(texts[at : at + 16], z)
        best = model.decode(encode(want))
        for i, a in enumerate(part):
            box = boxes[i, 0]
            w, o, b = (crop(v[i], box) for v in (want, got, best))
            outside = torch.ones(256, 256)
            x, y, s = box[:3].tolist()
            outside[y : y + s, x : x + s] = 0
            guess = NAMES[
                nearest(
                    got[i],
                    box,
                    [
                        {**a, "thing": t, "colour": a.get("colour") if takes_colour(t) else None}
                        for t in NAMES
                    ],
                    world,
                    z[i],
                )
            ]
            n["thing"] += guess == a["thing"]
            n["shuffled"] += guess == scenes[rng.randrange(count)]["thing"]
            if guess != a["thing"]:
                wrong[a["thing"], guess] += 1
            if a.get("colour"):
                n["coloured"] += 1
                inside = 1 - outside
                c = list(COLOURS)
                n["colour"] += (
                    c[closest(got[i], inside, [{**a, "colour": k} for k in c], world, z[i])] == a["colour"]
                )
            n["place"] += (
                PLACE_NAMES[1:][
                    closest(got[i], outside, [{**a, "place": p} for p in PLACE_NAMES[1:]], world, z[i])
                ]
                == a["place"]
            )
            if a["time"]:
                n["timed"] += 1
                n["time"] += (
                    TIME_NAMES[closest(got[i], outside, [{**a, "time": t} for t in TIME_NAMES], world, z[i])]
                    == a["time"]
                )
            box_db.append(decibels((w - o).square().mean().item()))
            whole_db.append(decibels((want[i] - got[i]).square().mean().item()))
            gain.append(energy(o) / energy(w))
            best_whole.append(decibels((want[i] - best[i]).square().mean().item()))
            best_box.append(decibels((w - b).square().mean().item()))
            worst[a["thing"]].append(best_box[-1])
    mean = lambda v: round(sum(v) / len(v), 3)
    low = min(worst, key=lambda t: sum(worst[t]) / len(worst[t]))
    return (
        dict(
            pictures=count,
            things=len(NAMES),
            thing=round(n["thing"] / count, 3),
            shuffled=round(n["shuffled"] / count, 3),
            colour=round(n["colour"] / n["coloured"], 3),
            place=round(n["place"] / count, 3),
            time=round(n["time"] / n["timed"], 3),
            box_psnr=mean(box_db),
            whole_psnr=mean(whole_db),
            gradient_energy=mean(gain),
            decoder_whole=mean(best_whole),
            decoder_box=mean(best_box),
            decoder_worst=[low, mean(worst[low])],
        ),
        wrong,
    )


def pairs(model, world, count, seed=6):
    """Two things side by side: the share of the things that are right."""
    rng, g, right = random.Random(seed), torch.Generator().manual_seed(seed), 0
    for _ in range(count):
        a = dict(thing=rng.choice(NAMES), other=rng.choice(NAMES))
        z = torch.randn(1, 4, 32, 32, generator=g)
        im = model.draw([prompt(a, rng)], z)[0]
        boxes = world.draw(torch.tensor([numbers(a)]), z)[1][0]
        for k, key in enumerate(("thing", "other")):
            right += NAMES[nearest(im, boxes[k], [{**a, key: t} for t in NAMES], world, z[0])] == a[key]
    return round(right / count / 2, 3)


def sheet(path, pictures, columns):
    h, w = pictures[0].shape[-2:]
    rows = -(-len(pictures) // columns)
    page = torch.ones(3, rows * h, columns * w)
    for i, p in enumerate(pictures):
        r, c = divmod(i, columns)
        page[:, r * h : r * h + h, c * w : c * w + w] = p
    Image.fromarray((page.permute(1, 2, 0) * 255).round().byte().numpy()).save(path)


def sheets(model, folder):
    os.makedirs(folder, exist_ok=True)
    noise = lambda seed, w=256, h=256: torch.randn(
        1, 4, h // 8, w // 8, generator=torch.Generator().manual_seed(seed)
    )
    rng = random.Random(12)
    draw = lambda text, seed, w=256, h=256: model.draw([text], noise(seed, w, h))[0]
    half = lambda ps: [F.avg_pool2d(p, 2) for p in ps]
    article = lambda s: f"{'an' if s[0] in 'aeiou' else 'a'} {s}"
    sheet(f"{folder}/things.png", half([draw(article(t), i) for i, t in enumerate(NAMES[:64])]), 8)
    combos = [single(rng) for _ in range(64)]
    sheet(
        f"{folder}/combinations.png",
        half(
            [
                draw(
                    " ".join(
                        filter(
                            None,
                            [
                                "a",
                                a.get("colour"),
                                a["thing"],
                                "in the",
                                a["place"],
                                a["time"] and f"at {a['time']}",
                            ],
                        )
                    ),
                    i,
                )
                for i, a in enumerate(combos)
            ]
        ),
        8,
    )
    sheet(f"{folder}/seeds.png", half([draw("a fox in the snow at dawn", i) for i in range(16)]), 8)
    for w, h in SHAPES:
        sheet(
            f"{folder}/shape-{w}x{h}.png",
            [
                draw(t, i, w, h)
                for i, t in enumerate(
                    (
                        "a red car in the city at night",
                        "a whale in the sea at sunset",
                        "a dragon in the mountains",
                        "a balloon in the desert at dawn",
                    )
                )
            ],
            4,
        )


if __name__ == "__main__":
    p = argparse.ArgumentParser()
    p.add_argument("--emoji", required=True)
    p.add_argument("--model", required=True)
    p.add_argument("--vae", required=True)
    p.add_argument("--sheets")
    p.add_argument("--pictures", type=int, default=512)
    p.add_argument("--pairs", type=int, default=64)
    args = p.parse_args()
    model = Model(args.model, args.vae)
    if args.sheets:
        sheets(model, args.sheets)
    if args.pictures:
        world = World(args.emoji, shapes=SHAPES[:1])
        result, wrong = score(model, world, args.pictures)
        result["pairs"] = pairs(model, world, args.pairs)
        print(json.dumps(result, indent=1))
        print("confused:", ", ".join(f"{a} as {b} {k}" for (a, b), k in wrong.most_common(20)))
