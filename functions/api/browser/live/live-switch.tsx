import { counted, duration, usd } from '#functions/api/browser/format.ts';
import type { LiveFigures } from './use-live.ts';

interface LiveSwitchProps {
  readonly isOn: boolean;
  /** Of one picture. */
  readonly price: string;
  readonly figures: LiveFigures;
  change(isOn: boolean): void;
}

/** Switches live drawing, and says what it costs and has cost. */
export function LiveSwitch({ isOn, price, figures, change }: LiveSwitchProps) {
  return (
    <div class="row live">
      <label class="check">
        <input
          id="live"
          type="checkbox"
          role="switch"
          aria-checked={isOn ? 'true' : 'false'}
          checked={isOn}
          aria-describedby="live-terms"
          onChange={(event: Event) => change((event.target as HTMLInputElement).checked)}
        />
        <strong>Live</strong>
      </label>
      <span id="live-terms" class="small">
        Redraws as you type, {price} a picture; not kept in the gallery.
        {figures.lastMs !== undefined && (
          <span class="figures">
            {' '}
            {counted(figures.pictures, 'picture')}, {usd(figures.spent)}; the last took{' '}
            {duration(figures.lastMs)}.
          </span>
        )}
      </span>
    </div>
  );
}
