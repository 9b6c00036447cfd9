/** One step, as a stair. */
const STEP = 'M5 17h7V8h7';

/** The mark as the pages' icon. */
export const ICON = `data:image/svg+xml,${encodeURIComponent(
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><rect width="24" height="24" rx="6" fill="#a63d16"/><path d="${STEP}" fill="none" stroke="#fff" stroke-width="3"/></svg>`,
)}`;

/** The mark beside the name. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 24 24" aria-hidden="true">
      <rect width="24" height="24" rx="6" />
      <path d={STEP} />
    </svg>
  );
}
