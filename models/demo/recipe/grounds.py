"""Landscapes and studio backdrops by program: soft flat shapes, anti-aliased by signed distance. A picture is (3, height, width) in [0, 1]."""

import math
import torch

SKY = {
    "day": ((0.27, 0.60, 0.96), (0.83, 0.94, 1.0)),
    "dawn": ((0.93, 0.62, 0.66), (1.0, 0.92, 0.76)),
    "sunset": ((0.34, 0.20, 0.50), (1.0, 0.58, 0.28)),
    "night": ((0.03, 0.05, 0.17), (0.15, 0.21, 0.44)),
}
SUN = {
    "day": (1.0, 0.94, 0.50),
    "dawn": (1.0, 0.84, 0.58),
    "sunset": (1.0, 0.78, 0.34),
    "night": (0.96, 0.96, 0.86),
}
TINT = {
    "day": (1.0, 1.0, 1.0),
    "dawn": (1.0, 0.89, 0.83),
    "sunset": (0.94, 0.72, 0.66),
    "night": (0.36, 0.42, 0.64),
}
CLOUD = {
    "day": (1.0, 1.0, 1.0),
    "dawn": (1.0, 0.92, 0.90),
    "sunset": (0.98, 0.74, 0.68),
    "night": (0.32, 0.37, 0.52),
}
STUDIO = [
    ((0.99, 0.91, 0.80), (0.96, 0.78, 0.62)),
    ((0.84, 0.93, 0.99), (0.64, 0.80, 0.95)),
    ((0.88, 0.97, 0.89), (0.68, 0.87, 0.75)),
    ((0.94, 0.90, 0.99), (0.78, 0.72, 0.94)),
]


class Canvas:
    def __init__(self, width, height):
        self.w, self.h = width, height
        y, x = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
        self.px, self.py = x, y  # pixels
        self.x, self.y = x / width, y / height  # the frame as 1 x 1
        self.im = torch.zeros(3, height, width)

    def colour(self, c, tint=(1.0, 1.0, 1.0)):
        return (torch.tensor(c) * torch.tensor(tint)).clamp(0, 1).view(3, 1, 1)

    def paint(self, alpha, c):
        alpha = alpha.clamp(0, 1)[None]
        self.im = self.im * (1 - alpha) + (c if torch.is_tensor(c) else self.colour(c)) * alpha

    def below(self, edge):
        """Alpha of what lies below the curve y = edge(x), both in parts of the frame."""
        return (self.y - edge) * self.h + 0.5

    def disc(self, cx, cy, r):
        return r - ((self.px - cx) ** 2 + (self.py - cy) ** 2).sqrt() + 0.5

    def ellipse(self, cx, cy, rx, ry):
        return (1 - (((self.px - cx) / rx) ** 2 + ((self.py - cy) / ry) ** 2).sqrt()) * min(rx, ry) + 0.5

    def box(self, x0, x1, y0, y1):
        return (
            torch.minimum(
                torch.minimum(self.px - x0, x1 - self.px), torch.minimum(self.py - y0, y1 - self.py)
            )
            + 0.5
        )

    def shade(self, alpha, top, bottom, y0, y1):
        """A filled layer whose colour runs from top to bottom between y0 and y1."""
        t = ((self.y - y0) / (y1 - y0)).clamp(0, 1)[None]
        self.paint(alpha, top * (1 - t) + bottom * t)


def studio(width, height, variant):
    c = Canvas(width, height)
    light, deep = (c.colour(v) for v in STUDIO[variant])
    glow = (-(((c.x - 0.5) / 0.55) ** 2 + ((c.y - 0.42) / 0.6) ** 2)).exp()[None]
    c.im = deep + (light - deep) * glow
    floor = ((c.y - 0.72) / 0.28).clamp(0, 1)[None]
    c.im = c.im * (1 - floor * 0.16) + floor * 0.05
    return c.im.clamp(0, 1)


def space(width, height, variant):
    c = Canvas(width, height)
    g = torch.Generator().manual_seed(90 + variant)
    top, bottom = (
        ((0.04, 0.03, 0.14), (0.16, 0.07, 0.30))
        if variant % 2 == 0
        else ((0.02, 0.06, 0.16), (0.05, 0.16, 0.32))
    )
    c.shade(torch.ones_like(c.x), c.colour(top), c.colour(bottom), 0, 1)
    for x, y, r in torch.rand(46, 3, generator=g).tolist():
        c.paint(c.disc(x * width, y * height, 0.7 + 1.3 * r * r) * (0.5 + 0.5 * r), (1.0, 1.0, 0.92))
    px, py, r = (0.80 if variant < 2 else 0.20) * width, 0.22 * height, 0.13 * min(width, height)
    body = c.disc(px, py, r)
    c.paint(body, (0.93, 0.62, 0.36) if variant % 2 == 0 else (0.45, 0.66, 0.92))
    c.paint(torch.minimum(body, -c.disc(px - 0.3 * r, py - 0.3 * r, r)) * 0.35, (0.05, 0.03, 0.15))
    if variant % 2 == 0:
        ring = c.ellipse(px, py, 1.7 * r, 0.42 * r)
        c.paint(
            torch.minimum(ring, -c.ellipse(px, py, 1.35 * r, 0.28 * r) + 0.5)
            * (1 - body.clamp(0, 1) * (c.py < py)),
            (0.98, 0.86, 0.66),
        )
    c.paint(c.ellipse(0.5 * width, 1.22 * height, 0.95 * width, 0.42 * height), (0.42, 0.40, 0.52))
    c.paint(c.ellipse(0.5 * width, 1.245 * height, 0.95 * width, 0.42 * height), (0.52, 0.50, 0.62))
    for x, y, r in ((0.15, 0.90, 0.03), (0.34, 0.95, 0.045), (0.70, 0.93, 0.035), (0.88, 0.965, 0.03)):
        c.paint(c.ellipse(x * width, y * height, r * width, r * width * 0.4), (0.40, 0.38, 0.50))
    return c.im.clamp(0, 1)


def ground(place, time, cloudy, variant, width, height):
    """One of four variants (sun left or right, high or low; hills and clouds move with it) of a place at a time of day."""
    if place == "studio":
        return studio(width, height, variant)
    if place == "space":
        return space(width, height, variant)
    c = Canvas(width, height)
    m = min(width, height)
    tint = TINT[time]
    col = lambda rgb, k=1.0: c.colour(tuple(v * k for v in rgb), tint)
    left, phase = variant % 2 == 0, variant * 1.7
    top, bottom = (c.colour(v) for v in SKY[time])
    if cloudy and time != "night":
        top = top * 0.72 + 0.28 * bottom
    c.shade(torch.ones_like(c.x), top, bottom, 0, 0.7)
    if time == "night":
        for x, y, r in torch.rand(26, 3, generator=torch.Generator().manual_seed(7 + variant)).tolist():
            c.paint(
                c.disc((0.03 + 0.94 * x) * width, (0.02 + 0.45 * y) * height, 0.6 + 1.0 * r), (1.0, 1.0, 0.9)
            )
    sx, sy, sr = (
        (0.20 if left else 0.80) * width,
        ((0.16 if variant < 2 else 0.24) + (0.16 if time in ("dawn", "sunset") else 0)) * height,
        0.085 * m,
    )
    d = (((c.px - sx) ** 2 + (c.py - sy) ** 2).sqrt() - sr).clamp(min=0)
    c.paint((-d / (0.12 * m)).exp() * (0.28 if time == "night" else 0.5), SUN[time])
    disc = c.disc(sx, sy, sr)
    c.paint(
        (
            torch.minimum(disc, -c.disc(sx + 0.45 * sr, sy - 0.25 * sr, 0.85 * sr) + 1)
            if time == "night"
            else disc
        ),
        SUN[time],
    )
    if cloudy:
        for cx, cy, k in (
            ((0.30, 0.13, 1.0), (0.78, 0.22, 0.8), (0.55, 0.07, 0.6))
            if left
            else ((0.70, 0.13, 1.0), (0.22, 0.22, 0.8), (0.45, 0.07, 0.6))
        ):
            x, y, k = cx * width, cy * height, k * m
            blob = torch.stack(
                [
                    c.ellipse(x, y, 0.15 * k, 0.045 * k),
                    c.ellipse(x - 0.06 * k, y - 0.03 * k, 0.07 * k, 0.05 * k),
                    c.ellipse(x + 0.04 * k, y - 0.045 * k, 0.08 * k, 0.065 * k),
                ]
            ).amax(0)
            c.paint(blob, CLOUD[time])
    wave = lambda base, amp, freq, ph: base - amp * torch.sin(c.x * freq + ph)
    back = wave(0.60, 0.06, 5.0, phase) - 0.025 * torch.sin(c.x * 11 + 2 * phase)
    front = wave(0.775, 0.035, 3.6, phase + 1)
    if place == "hills":
        c.shade(c.below(back), col((0.55, 0.78, 0.42)), col((0.38, 0.64, 0.32)), 0.5, 0.8)
        c.shade(c.below(front), col((0.43, 0.71, 0.30)), col((0.24, 0.52, 0.20)), 0.75, 1.0)
    if place == "mountains":
        peaks = torch.full_like(c.x, 1.0)
        for bx, bh in (
            ((0.16, 0.36), (0.50, 0.24), (0.86, 0.38)) if left else ((0.14, 0.38), (0.52, 0.37), (0.82, 0.22))
        ):
            peaks = torch.minimum(peaks, bh + (c.x - bx).abs() * 1.15 * width / m)
        c.shade(c.below(peaks), col((0.58, 0.62, 0.72)), col((0.40, 0.44, 0.56)), 0.25, 0.75)
        c.paint(
            torch.minimum(c.below(peaks), -c.below(peaks.amin() + 0.13 + 0.018 * torch.sin(c.x * 55)) + 1),
            col((0.98, 0.99, 1.0)),
        )
        c.shade(c.below(front), col((0.40, 0.62, 0.36)), col((0.22, 0.44, 0.24)), 0.75, 1.0)
    if place == "sea":
        c.shade(c.below(0.56), col((0.22, 0.58, 0.82)), col((0.08, 0.34, 0.60)), 0.56, 1.0)
        c.paint(
            torch.minimum(
                (0.03 * width + 0.14 * (c.py - 0.56 * height).clamp(min=0)) - (c.px - sx).abs() + 0.5,
                c.below(0.562),
            ).clamp(0, 1)
            * 0.5,
            SUN[time],
        )
        for y in (0.64, 0.73, 0.84, 0.94):
            c.paint(
                (0.007 - (c.y - y - 0.008 * torch.sin(c.x * 22 + phase)).abs()) * height + 0.5,
                col((0.45, 0.76, 0.92)),
            )
    if place == "desert":
        c.shade(
            c.below(0.62 - 0.10 * torch.sin(c.x * 4.2 + phase).abs()),
            col((0.97, 0.82, 0.52)),
            col((0.90, 0.66, 0.36)),
            0.5,
            0.8,
        )
        c.shade(c.below(front), col((0.94, 0.74, 0.42)), col((0.78, 0.54, 0.28)), 0.75, 1.0)
    if place == "snow":
        c.shade(c.below(back), col((0.86, 0.92, 0.98)), col((0.74, 0.83, 0.94)), 0.5, 0.8)
        for k, bx in enumerate((0.07, 0.20, 0.91) if left else (0.10, 0.82, 0.94)):
            x, base, s = bx * width, (0.755 + 0.01 * k) * height, 0.16 * m
            for j in range(3):
                y0 = base - s * (1.25 - 0.36 * j)
                c.paint(
                    torch.minimum(
                        (c.py - y0) * 0.45 - (c.px - x).abs(), torch.minimum(c.py - y0, y0 + 0.55 * s - c.py)
                    )
                    + 0.5,
                    col((0.16, 0.42, 0.34)),
                )
        c.shade(c.below(front), col((0.97, 0.985, 1.0)), col((0.80, 0.88, 0.97)), 0.75, 1.0)
    if place == "forest":
        c.shade(
            c.below(0.42 + 0.02 * torch.sin(c.x * 9 + phase)),
            col((0.30, 0.56, 0.34)),
            col((0.18, 0.40, 0.24)),
            0.4,
            0.8,
        )
        for k in range(9):
            x, r = (0.06 + 0.11 * k) * width, (0.085 + 0.025 * ((k * 7 + variant * 3) % 4) / 3) * m
            y = (0.44 + 0.05 * ((k * 5 + variant) % 3)) * height
            c.paint(c.box(x - 0.012 * m, x + 0.012 * m, y, 0.82 * height), col((0.36, 0.24, 0.15)))
            c.paint(c.disc(x, y, r), col((0.20, 0.50, 0.26), 1.0 + 0.22 * ((k + variant) % 3)))
        c.shade(c.below(front), col((0.36, 0.60, 0.28)), col((0.20, 0.42, 0.18)), 0.75, 1.0)
    if place == "city":
        g = torch.Generator().manual_seed(40 + variant)
        lit = (1.0, 0.86, 0.45) if time in ("night", "sunset") else (0.80, 0.90, 0.97)
        n = max(5, round(7 * width / 256))
        bw = width / n
        for k in range(n):
            r = torch.rand(3, generator=g).tolist()
            y0 = (0.24 + 0.30 * r[0]) * height
            x0 = k * bw
            c.paint(
                c.box(x0 + 0.04 * bw, x0 + 0.96 * bw, y0, height),
                col(((0.50, 0.56, 0.68), (0.66, 0.60, 0.62), (0.44, 0.50, 0.60))[int(r[1] * 3)]),
            )
            for wy in range(int((0.74 * height - y0) / (0.06 * height))):
                for wx in (0, 1, 2):
                    c.paint(
                        c.box(
                            x0 + (0.18 + 0.25 * wx) * bw,
                            x0 + (0.32 + 0.25 * wx) * bw,
                            y0 + (0.03 + 0.06 * wy) * height,
                            y0 + (0.06 + 0.06 * wy) * height,
                        )
                        * (0.9 if (wx * 3 + wy * 5 + k) % 4 else 0.15),
                        c.colour(lit) if time in ("night", "sunset") else col(lit),
                    )
        c.shade(c.below(0.78), col((0.46, 0.47, 0.52)), col((0.34, 0.35, 0.40)), 0.78, 1.0)
        for k in range(6):
            c.paint(
                c.box((k + 0.2) / 6 * width, (k + 0.7) / 6 * width, 0.925 * height, 0.94 * height),
                col((0.92, 0.90, 0.80)),
            )
    return c.im.clamp(0, 1)
