const PATHS = {
  dice: 'M4 4h16v16H4z M8.5 8.5h.01 M15.5 8.5h.01 M12 12h.01 M8.5 15.5h.01 M15.5 15.5h.01',
  locked: 'M5 11h14v10H5z M8 11V7a4 4 0 0 1 8 0v4',
  unlocked: 'M5 11h14v10H5z M8 11V7a4 4 0 0 1 7.5-2',
  download: 'M12 4v11 M7 11l5 5 5-5 M5 20h14',
  again: 'M20 11a8 8 0 1 0-2.3 6.3 M20 5v6h-6',
  bin: 'M4 7h16 M9 7V4h6v3 M6 7l1 13h10l1-13 M10 11v5 M14 11v5',
} as const;

/** A line drawing of 24 by 24; the button around it carries the words. */
export function Icon({ name }: { readonly name: keyof typeof PATHS }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
