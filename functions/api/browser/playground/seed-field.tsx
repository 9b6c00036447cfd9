import { Icon } from '#functions/api/browser/parts/icon.tsx';
import { MAX_SEED, randomSeed } from './order.ts';

interface SeedFieldProps {
  readonly seed: number | null;
  /** The seed of the picture on show, if there is one. */
  readonly lastSeed: number | undefined;
  change(seed: number | null): void;
}

/** A seed, or none: then every picture gets a new one. */
export function SeedField({ seed, lastSeed, change }: SeedFieldProps) {
  const locked = seed !== null;
  return (
    <div class="field seed">
      <label for="seed">Seed</label>
      <div class="joined">
        <input
          id="seed"
          type="number"
          min="0"
          max={String(MAX_SEED)}
          step="1"
          placeholder="random"
          value={seed === null ? '' : String(seed)}
          onInput={(event: Event) => {
            const text = (event.target as HTMLInputElement).value;
            change(text === '' ? null : Number(text));
          }}
        />
        <button
          type="button"
          aria-label="Random seed"
          title="Random seed"
          onClick={() => change(randomSeed())}
        >
          <Icon name="dice" />
        </button>
        <button
          type="button"
          aria-pressed={String(locked)}
          aria-label="Keep this seed"
          title={locked ? 'Use a new seed every time' : 'Keep this picture’s seed'}
          onClick={() => change(locked ? null : (lastSeed ?? randomSeed()))}
        >
          <Icon name={locked ? 'locked' : 'unlocked'} />
        </button>
      </div>
    </div>
  );
}
