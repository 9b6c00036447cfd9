import type { PageModel } from '#functions/api/pages/page-schema.ts';

/** What can be picked for one part of a picture: the word to look for, and what stands in the prompt. */
interface Choice {
  readonly word: string;
  readonly text: string;
}

export type Part = 'thing' | 'colour' | 'place' | 'hour';
export type Picked = Readonly<Record<Part, string>>;

export const PARTS: readonly { readonly part: Part; readonly label: string }[] = [
  { part: 'thing', label: 'Subject' },
  { part: 'colour', label: 'Colour' },
  { part: 'place', label: 'Place' },
  { part: 'hour', label: 'Time of day' },
];

const plain = (words: string): readonly Choice[] =>
  words.split(/\s+/).map((word) => ({ word, text: word }));

const CHOICES: Readonly<Record<Part, readonly Choice[]>> = {
  thing:
    plain(`airplane alien apple astronaut baby balloon banana bear bee bicycle boat bus butterfly cactus cake camel
    camera car carrot castle cat chair chicken clock coffee cow crab crocodile crown dinosaur dog dolphin donut dragon
    dress duck elephant fish flamingo flower football fox frog ghost giraffe guitar hat heart helicopter horse house key
    lamp laptop lemon lighthouse lion man mermaid monkey motorcycle mushroom octopus owl panda parrot penguin pig
    pineapple pizza princess rabbit robot rocket rose sailboat santa shark sheep ship shoe snail snake snowman star
    strawberry sunflower teapot tiger tower train tree truck turtle umbrella unicorn watermelon whale wizard woman
    zebra`),
  colour: plain('red orange yellow green blue purple pink white black brown'),
  place: [
    { word: 'hills', text: 'in the hills' },
    { word: 'mountains', text: 'in the mountains' },
    { word: 'beach', text: 'on the beach' },
    { word: 'desert', text: 'in the desert' },
    { word: 'snow', text: 'in the snow' },
    { word: 'forest', text: 'in the forest' },
    { word: 'city', text: 'in the city' },
    { word: 'space', text: 'in space' },
  ],
  hour: [
    { word: 'day', text: 'by day' },
    { word: 'dawn', text: 'at dawn' },
    { word: 'sunset', text: 'at sunset' },
    { word: 'night', text: 'at night' },
  ],
};

/** What the model knows of each part; undefined for a model that doesn't say what it knows. */
export function choicesOf(
  model: PageModel | undefined,
): Readonly<Record<Part, readonly Choice[]>> | undefined {
  if (model?.words === undefined) return undefined;
  const known = new Set(model.words);
  const of = (part: Part) => CHOICES[part].filter(({ word }) => known.has(word));
  const choices = {
    thing: of('thing'),
    colour: of('colour'),
    place: of('place'),
    hour: of('hour'),
  };
  return choices.thing.length === 0 ? undefined : choices;
}

/** The words of the prompt that the picker has, the first of each part; '' where there is none. */
export function pickedIn(prompt: string): Picked {
  const words = prompt.toLowerCase().match(/\p{L}+/gu) ?? [];
  const first = (part: Part) =>
    words.find((said) => CHOICES[part].some(({ word }) => word === said)) ?? '';
  return {
    thing: first('thing'),
    colour: first('colour'),
    place: first('place'),
    hour: first('hour'),
  };
}

/** `a red fox in the snow at dawn`: the prompt that says what is picked. */
export function promptOfPicked(picked: Picked): string {
  const textOf = (part: Part) =>
    CHOICES[part].find(({ word }) => word === picked[part])?.text ?? '';
  const noun = [picked.colour, picked.thing || 'landscape'].filter(Boolean).join(' ');
  const article = /^(?!uni)[aeiou]/.test(noun) ? 'an' : 'a';
  return [`${article} ${noun}`, textOf('place'), textOf('hour')].filter(Boolean).join(' ');
}
