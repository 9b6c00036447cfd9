import type { Order } from '#functions/api/browser/playground/order.ts';

/** The form as it was when the page was left, and the preview that was on show with it. */
export interface Remembered {
  readonly order: Order;
  readonly preview?: string | undefined;
}

const FORM = 'onestep-form';
const SWITCH = 'onestep-live';

/** What this tab's form said; undefined in a new one, and where the browser keeps nothing. */
export function rememberedForm(): Remembered | undefined {
  const text = read(() => sessionStorage.getItem(FORM));
  try {
    const found = JSON.parse(text ?? 'null') as Remembered | null;
    return typeof found?.order?.prompt === 'string' ? found : undefined;
  } catch {
    return undefined;
  }
}

export function rememberForm(form: Remembered): void {
  read(() => sessionStorage.setItem(FORM, JSON.stringify(form)));
}

/** Whether this browser has switched live drawing off. */
export function isSwitchedOff(): boolean {
  return read(() => localStorage.getItem(SWITCH)) === 'off';
}

export function rememberSwitch(isOn: boolean): void {
  read(() => localStorage.setItem(SWITCH, isOn ? 'on' : 'off'));
}

/** A browser may forbid its storage: then nothing is remembered. */
function read<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch {
    return undefined;
  }
}
