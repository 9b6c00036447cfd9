import { useState } from 'hono/jsx/dom';
import type { PageModel } from '#functions/api/pages/page-schema.ts';
import { isSwitchedOff, rememberSwitch } from './remembered.ts';

/**
 * Whether the model draws live. A cheap one does unless this browser has switched it off; any other does once
 * it was asked to, until the page is left.
 */
export function useLiveSwitch(
  model: PageModel | undefined,
): readonly [isLive: boolean, setLive: (isOn: boolean) => void] {
  const [isOff, setOff] = useState(isSwitchedOff());
  const [asked, setAsked] = useState<readonly string[]>([]);
  if (model === undefined) return [false, () => undefined];
  const { name } = model;
  if (!model.live) {
    const others = asked.filter((other) => other !== name);
    return [asked.includes(name), (isOn) => setAsked(isOn ? [...others, name] : others)];
  }
  return [
    !isOff,
    (isOn) => {
      rememberSwitch(isOn);
      setOff(!isOn);
    },
  ];
}
