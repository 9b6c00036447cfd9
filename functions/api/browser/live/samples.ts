/** The seed that the page opens with: one at which the demo model composes well. */
export const OPENING_SEED = 4;

/** The prompts of the sheet, in its order. */
export const SAMPLES = [
  'a red fox in the snow at dawn',
  'a rocket in space',
  'a penguin on the beach at sunset',
  'a cat and a robot in the mountains',
  'a blue car in the city at night',
  'a green dragon in the mountains',
] as const;

/** Prompts for models that have no sheet. */
export const EXAMPLES = [
  'a lighthouse on a cliff at dusk',
  'a red fox in the snow, morning light',
  'a bowl of ramen on a wooden table',
  'portrait of an astronaut, film photograph',
] as const;
