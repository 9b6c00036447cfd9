import type { Child } from 'hono/jsx';
import { useEffect, useRef } from 'hono/jsx/dom';

interface DialogProps {
  readonly title: string;
  readonly wide?: boolean;
  close(): void;
  /** What it shows; `end` closes it. */
  children(end: () => void): Child;
}

/** A modal dialog: Escape closes it, and the focus goes back to what opened it. */
export function Dialog({ title, wide, close, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    return () => {
      // What opened it may be gone with what was deleted.
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      class={wide === true ? 'wide' : ''}
      aria-labelledby="dialog-title"
      onClose={close}
    >
      <div class="dialog">
        <h2 id="dialog-title">{title}</h2>
        {children(() => dialog.current?.close())}
      </div>
    </dialog>
  );
}
