"""What the demo model knows: things, colours, places, times of day and skies, with the words for each, and the grammar of its prompts."""

import random
import zlib

# name: (emoji file without extension, flags, words). Flags: c takes colours, f floats in the air, w swims.
# The first word is the thing's own; the plural of each last word is understood, too.
THINGS = {
    "dog": ("1f415", "c", "dog|puppy|hound"),
    "cat": ("1f408", "c", "cat|kitten|kitty"),
    "horse": ("1f40e", "c", "horse|pony|stallion"),
    "cow": ("1f404", "c", "cow|cattle"),
    "pig": ("1f416", "c", "pig|piglet"),
    "sheep": ("1f411", "c", "sheep|lamb"),
    "rabbit": ("1f407", "c", "rabbit|bunny|hare"),
    "elephant": ("1f418", "c", "elephant"),
    "lion": ("1f981", "", "lion"),
    "tiger": ("1f405", "", "tiger"),
    "bear": ("1f43b", "c", "bear"),
    "panda": ("1f43c", "", "panda"),
    "fox": ("1f98a", "c", "fox"),
    "monkey": ("1f412", "c", "monkey|ape"),
    "giraffe": ("1f992", "", "giraffe"),
    "zebra": ("1f993", "", "zebra"),
    "camel": ("1f42a", "c", "camel"),
    "frog": ("1f438", "c", "frog|toad"),
    "crocodile": ("1f40a", "cw", "crocodile|alligator"),
    "turtle": ("1f422", "c", "turtle|tortoise"),
    "snake": ("1f40d", "c", "snake"),
    "dinosaur": ("1f996", "c", "dinosaur"),
    "dragon": ("1f409", "c", "dragon"),
    "whale": ("1f433", "cw", "whale"),
    "dolphin": ("1f42c", "cw", "dolphin"),
    "fish": ("1f41f", "cw", "fish"),
    "shark": ("1f988", "cw", "shark"),
    "octopus": ("1f419", "c", "octopus"),
    "crab": ("1f980", "c", "crab|lobster"),
    "snail": ("1f40c", "c", "snail"),
    "butterfly": ("1f98b", "cf", "butterfly"),
    "bee": ("1f41d", "f", "bee|bumblebee"),
    "chicken": ("1f413", "c", "chicken|rooster|hen"),
    "penguin": ("1f427", "c", "penguin"),
    "duck": ("1f986", "cw", "duck"),
    "owl": ("1f989", "c", "owl"),
    "parrot": ("1f99c", "c", "parrot|bird"),
    "flamingo": ("1f9a9", "c", "flamingo"),
    "unicorn": ("1f984", "", "unicorn"),
    "apple": ("1f34e", "c", "apple"),
    "banana": ("1f34c", "", "banana"),
    "lemon": ("1f34b", "c", "lemon|lime"),
    "strawberry": ("1f353", "c", "strawberry|berry"),
    "cherries": ("1f352", "c", "cherry"),
    "grapes": ("1f347", "c", "grape|fruit"),
    "watermelon": ("1f349", "", "watermelon|melon"),
    "pineapple": ("1f34d", "", "pineapple"),
    "carrot": ("1f955", "", "carrot"),
    "mushroom": ("1f344", "c", "mushroom"),
    "pizza": ("1f355", "", "pizza"),
    "burger": ("1f354", "", "burger|hamburger"),
    "bowl": ("1f957", "", "bowl|salad"),
    "cake": ("1f382", "c", "cake"),
    "donut": ("1f369", "c", "donut|doughnut"),
    "ice cream": ("1f366", "", "ice cream"),
    "coffee": ("2615", "c", "coffee|cup|mug|tea"),
    "wine": ("1f377", "c", "wine|glass"),
    "beer": ("1f37a", "", "beer"),
    "car": ("1f697", "c", "car|automobile"),
    "bus": ("1f68c", "c", "bus"),
    "truck": ("1f69a", "c", "truck|lorry"),
    "bicycle": ("1f6b2", "c", "bicycle|bike"),
    "motorcycle": ("1f3cd-fe0f", "c", "motorcycle|motorbike"),
    "train": ("1f682", "c", "train|locomotive"),
    "airplane": ("2708-fe0f", "cf", "airplane|plane|jet"),
    "helicopter": ("1f681", "cf", "helicopter"),
    "rocket": ("1f680", "cf", "rocket|spaceship"),
    "ship": ("1f6a2", "cw", "ship|steamer"),
    "sailboat": ("26f5", "cw", "sailboat|boat|yacht"),
    "balloon": ("1f388", "cf", "balloon"),
    "house": ("1f3e0", "c", "house|cabin|cottage|home"),
    "castle": ("1f3f0", "c", "castle|palace"),
    "tower": ("1f5fc", "c", "tower|lighthouse"),
    "woman": ("1f469", "", "woman|lady|girl"),
    "man": ("1f468", "", "man|guy|boy"),
    "baby": ("1f476", "", "baby|child|kid"),
    "astronaut": ("1f9d1-200d-1f680", "", "astronaut|cosmonaut"),
    "princess": ("1f478", "", "princess|queen"),
    "wizard": ("1f9d9", "", "wizard|witch"),
    "mermaid": ("1f9dc-200d-2640-fe0f", "w", "mermaid"),
    "santa": ("1f385", "", "santa"),
    "robot": ("1f916", "c", "robot|android"),
    "ghost": ("1f47b", "cf", "ghost"),
    "alien": ("1f47d", "c", "alien"),
    "snowman": ("26c4", "", "snowman"),
    "tree": ("1f333", "c", "tree|oak"),
    "palm": ("1f334", "", "palm"),
    "cactus": ("1f335", "c", "cactus"),
    "sunflower": ("1f33b", "", "sunflower"),
    "rose": ("1f339", "c", "rose"),
    "flower": ("1f338", "c", "flower|blossom|daisy"),
    "guitar": ("1f3b8", "c", "guitar"),
    "camera": ("1f4f7", "c", "camera"),
    "laptop": ("1f4bb", "", "laptop|computer"),
    "clock": ("23f0", "c", "clock"),
    "lamp": ("1f4a1", "c", "lamp|lightbulb"),
    "umbrella": ("2602-fe0f", "c", "umbrella|parasol"),
    "hat": ("1f3a9", "c", "hat"),
    "crown": ("1f451", "c", "crown"),
    "shoe": ("1f45f", "c", "shoe|sneaker"),
    "dress": ("1f457", "c", "dress"),
    "chair": ("1fa91", "c", "chair"),
    "key": ("1f511", "c", "key"),
    "football": ("26bd", "", "football|soccer|ball"),
    "diamond": ("1f48e", "c", "diamond|gem"),
    "heart": ("2764-fe0f", "cf", "heart"),
    "star": ("2b50", "cf", "star"),
    "teapot": ("1fad6", "c", "teapot"),
    "teddy bear": ("1f9f8", "c", "teddy bear|teddy"),
}
COLOURS = {
    "red": (0.86, 0.18, 0.18),
    "orange": (0.97, 0.52, 0.10),
    "yellow": (0.99, 0.83, 0.16),
    "green": (0.20, 0.66, 0.28),
    "blue": (0.16, 0.42, 0.90),
    "purple": (0.56, 0.25, 0.76),
    "pink": (0.98, 0.52, 0.72),
    "white": (0.97, 0.97, 0.96),
    "black": (0.13, 0.13, 0.16),
    "brown": (0.50, 0.31, 0.17),
}
PLACES = {
    "studio": "",
    "hills": "hills|meadow|countryside|field|grass|park|garden|farm",
    "mountains": "mountains|mountain|alps|peaks",
    "sea": "sea|ocean|lake|beach|water|coast",
    "desert": "desert|dunes|sahara|sand",
    "snow": "snow|winter|snowy|arctic",
    "forest": "forest|woods|jungle",
    "city": "city|town|street|downtown",
    "space": "space|galaxy|cosmos|universe",
}
TIMES = {
    "day": "day|noon|daytime|sunny|afternoon",
    "dawn": "dawn|sunrise|morning",
    "sunset": "sunset|dusk|evening",
    "night": "night|midnight|moonlit|moonlight",
}
SKIES = {"clear": "clear", "cloudy": "clouds|cloudy|cloud|overcast"}
FILLER = """beautiful|a photo of|a photograph of|a painting of|an illustration of|flat|vector art|detailed|highly detailed|minimal|scenic|a picture of|an image of|high quality|poster|8k|4k|my
little|old|big|small|cute|happy|cinematic|view|landscape|a portrait of|portrait|a drawing of|digital art|oil painting|watercolor|3d render|trending on artstation|masterpiece|best quality|realistic
photorealistic|ultra|style|fantasy|concept art|studio lighting|soft light|dramatic|colorful|pretty|funny|tiny|giant|lovely|amazing|a sketch of|anime|cartoon|macro|close up|wide angle|bokeh|sharp focus
vintage|modern|majestic|fluffy|shiny|wooden|golden hour|award winning|professional|a shot of|draw|please|make|show me|wearing|eating|holding|playing|looking|running|flying|sitting|standing|sleeping""".replace(
    "\n", "|"
).split(
    "|"
)
JOINS = ["and", "and", "next to", "with", "beside", "riding", "on", "in front of", "near", ","]

NAMES, COLOUR_NAMES, PLACE_NAMES, TIME_NAMES, SKY_NAMES = (
    list(THINGS),
    ["plain", *COLOURS],
    list(PLACES),
    list(TIMES),
    list(SKIES),
)
IRREGULAR = {
    "mouse": "mice",
    "sheep": "sheep",
    "fish": "fish",
    "woman": "women",
    "man": "men",
    "child": "children",
    "bread": "bread",
    "corn": "corn",
    "sushi": "sushi",
    "cattle": "cattle",
    "toast": "toast",
    "wolf": "wolves",
}


def plural(word):
    """The plural of a word, or of a phrase by its last word."""
    head, _, last = word.rpartition(" ")
    if last in IRREGULAR:
        many = IRREGULAR[last]
    elif last.endswith(("s", "x", "ch", "sh")):
        many = last + "es"
    elif last.endswith("y") and last[-2] not in "aeiou":
        many = last[:-1] + "ies"
    else:
        many = last + "s"
    return f"{head} {many}".strip()


def words_of(thing):
    return THINGS[thing][2].split("|")


def takes_colour(thing):
    return "c" in THINGS[thing][1]


def known_words():
    """Every single word that changes the picture, sorted: the manifest's `words`."""
    phrases = [w for t in NAMES for s in words_of(t) for w in (s, plural(s))] + list(COLOURS)
    phrases += [
        w for table in (PLACES, TIMES, SKIES) for words in table.values() for w in words.split("|") if w
    ]
    return sorted({w for phrase in phrases for w in phrase.split()})


def held_out(thing, colour, place, time):
    """One combination in eight is never trained; evaluation draws from these."""
    return zlib.crc32(f"{thing}/{colour}/{place}/{time}".encode()) % 8 == 0


def settle(a):
    """Fills in what a scene's words leave open: a thing alone stands in the studio, a landscape without a word is hills by day."""
    place = a.get("place") or (
        "studio" if a.get("thing") and not (a.get("time") or a.get("sky")) else "hills"
    )
    return dict(
        thing=a.get("thing"),
        colour=a.get("colour") or "plain",
        other=a.get("other"),
        other_colour=a.get("other_colour") or "plain",
        place=place,
        time=a.get("time") or "day",
        sky=a.get("sky"),
    )


def scene(rng: random.Random, training=True):
    """A random scene as said (None = not said). In training, held-out combinations are drawn again."""
    while True:
        a = dict(thing=rng.choice(NAMES) if rng.random() > 0.03 else None)
        if a["thing"] and takes_colour(a["thing"]) and rng.random() < 0.6:
            a["colour"] = rng.choice(list(COLOURS))
        if a["thing"] and rng.random() < 0.14:
            a["other"] = rng.choice(NAMES)
            if takes_colour(a["other"]) and rng.random() < 0.4:
                a["other_colour"] = rng.choice(list(COLOURS))
        if rng.random() < 0.54:
            a["place"] = rng.choice(PLACE_NAMES[1:])
        if rng.random() < (0.5 if a.get("place") else 0.12):
            a["time"] = rng.choice(TIME_NAMES)
        if rng.random() < (0.2 if a.get("place") else 0.04):
            a["sky"] = rng.choice(SKY_NAMES)
        full = settle(a)
        if not (
            training
            and a["thing"]
            and not a.get("other")
            and held_out(full["thing"], full["colour"], full["place"], full["time"])
        ):
            return a


def noun(thing, colour, rng):
    word = rng.choice(words_of(thing)) if rng.random() < 0.5 else words_of(thing)[0]
    if rng.random() < 0.12:
        word = plural(word)
    said = f"{colour} {word}" if colour else word
    if rng.random() < 0.1:
        said = f"{rng.choice(['little', 'old', 'big', 'small', 'cute', 'happy', 'beautiful', 'tiny', 'giant'])} {said}"
    return rng.choice(
        [f"{'an' if said[0] in 'aeiou' else 'a'} {said}"] * 4 + [f"the {said}", said, said, f"one {said}"]
    )


def prompt(a, rng: random.Random):
    """A prompt that says the scene, in one of many ways."""
    parts = []
    if a.get("thing"):
        said = noun(a["thing"], a.get("colour"), rng)
        if a.get("other"):
            said = f"{said} {rng.choice(JOINS)} {noun(a['other'], a.get('other_colour'), rng)}".replace(
                " ,", ","
            )
        parts.append(said)
    if a.get("place"):
        word = rng.choice(PLACES[a["place"]].split("|"))
        parts.append(
            rng.choice(
                [
                    f"in the {word}",
                    f"in the {word}",
                    f"in {word}",
                    f"on the {word}",
                    word,
                    f"by the {word}",
                    f"with {word}",
                    f"near {word}",
                    f"in a {word}",
                ]
            )
            if parts
            else rng.choice([word, f"the {word}", f"a {word} scene"])
        )
    if a.get("time"):
        word = rng.choice(TIMES[a["time"]].split("|"))
        parts.append(
            rng.choice(
                [
                    f"at {word}",
                    f"at {word}",
                    word,
                    f"{word} light",
                    f"during {word}",
                    f"under a {word} sky",
                    f"in the {word}",
                ]
            )
        )
    if a.get("sky"):
        word = rng.choice(SKIES[a["sky"]].split("|"))
        parts.append(rng.choice([word, f"with {word}", f"{word} sky", f"under a {word} sky"]))
    if rng.random() < 0.15:
        rng.shuffle(parts)
    said = (
        rng.choice([" ", " ", ", "]).join(parts)
        if parts
        else rng.choice(["", "landscape", "something", "nothing"])
    )
    if rng.random() < 0.5:
        said = f"{rng.choice(FILLER)} {said}"
    for _ in range(rng.choice([0, 0, 0, 0, 1, 1, 2, 3])):
        said = f"{said}{rng.choice([', ', ' '])}{rng.choice(FILLER)}"
    if rng.random() < 0.15:
        said = said[:1].upper() + said[1:]
    return said + ("." if rng.random() < 0.2 else "")
