"""The tokenizer: byte-level BPE in CLIP's format, merged until each known word is one token."""

import collections
import json
import os
import random
import re
from words import FILLER, JOINS, known_words, prompt, scene

WORDS_CLIP = re.compile(r"[^\W\d_]+|\d|[^\s\w]+")
CONTEXT = 77


def bytes_to_unicode():
    bs = [*range(33, 127), *range(161, 173), *range(174, 256)]
    cs = bs[:]
    n = 0
    for b in range(256):
        if b not in bs:
            bs.append(b)
            cs.append(256 + n)
            n += 1
    return dict(zip(bs, map(chr, cs)))


def build_tokenizer(folder):
    """Writes vocab.json and merges.txt; every word of the grammar becomes one token."""
    words, rng = collections.Counter(), random.Random(11)
    for _ in range(20000):
        words.update(WORDS_CLIP.findall(prompt(scene(rng), rng).lower()))
    for phrase in [*known_words(), *FILLER, *JOINS, "the", "of", "in", "on", "at", "by", "photo"]:
        words.update({w: 40 for w in WORDS_CLIP.findall(phrase.lower())})
    pieces = {w: (*w[:-1], w[-1] + "</w>") for w in words if w.isascii() and w.isalpha()}
    merges = []
    pairs = collections.Counter()
    where = collections.defaultdict(set)
    for w, s in pieces.items():
        for p in zip(s, s[1:]):
            pairs[p] += words[w]
            where[p].add(w)
    while pairs:
        best = min(pairs, key=lambda p: (-pairs[p], p))
        if pairs[best] <= 0:
            break
        merges.append(best)
        for w in list(where[best]):
            s = pieces[w]
            for p in zip(s, s[1:]):
                pairs[p] -= words[w]
                where[p].discard(w)
            out, i = [], 0
            while i < len(s):
                if s[i : i + 2] == best:
                    out.append(s[i] + s[i + 1])
                    i += 2
                else:
                    out.append(s[i])
                    i += 1
            pieces[w] = s = tuple(out)
            for p in zip(s, s[1:]):
                pairs[p] += words[w]
                where[p].add(w)
        pairs = collections.Counter({p: n for p, n in pairs.items() if n > 0})
    base = list(bytes_to_unicode().values())
    vocab = [
        *base,
        *(b + "</w>" for b in base),
        *("".join(m) for m in merges),
        "<|startoftext|>",
        "<|endoftext|>",
    ]
    os.makedirs(folder, exist_ok=True)
    json.dump(
        {t: i for i, t in enumerate(dict.fromkeys(vocab))},
        open(f"{folder}/vocab.json", "w"),
        ensure_ascii=False,
    )
    open(f"{folder}/merges.txt", "w").write("#version: 0.2\n" + "\n".join(map(" ".join, merges)) + "\n")


class Tokens:
    """Prompts -> token ids by the tokenizer's own code, each word once."""

    def __init__(self, folder):
        from transformers import CLIPTokenizer

        self.clip = CLIPTokenizer.from_pretrained(
            folder,
            pad_token="<|endoftext|>",
            bos_token="<|startoftext|>",
            eos_token="<|endoftext|>",
            unk_token="<|endoftext|>",
            model_max_length=CONTEXT,
        )
        self.size = len(self.clip)
        self.seen = {}
        self.bos, self.eos = self.clip.bos_token_id, self.clip.eos_token_id

    def word(self, w):
        if w not in self.seen:
            self.seen[w] = self.clip(w, add_special_tokens=False)["input_ids"]
        return self.seen[w]

    def ids(self, text):
        return [
            self.bos,
            *[i for w in WORDS_CLIP.findall(text.lower()) for i in self.word(w)][: CONTEXT - 2],
            self.eos,
        ]
