import { Dialog } from './dialog.tsx';

interface ConfirmProps {
  readonly title: string;
  /** What follows from it. */
  readonly text: string;
  /** The words of the button that does it. */
  readonly action: string;
  confirm(): void;
  close(): void;
}

/** Asks before something that can't be taken back. */
export function Confirm({ title, text, action, confirm, close }: ConfirmProps) {
  return (
    <Dialog title={title} close={close}>
      {(end) => (
        <>
          <p>{text}</p>
          <div class="row actions">
            <button type="button" onClick={end}>
              Cancel
            </button>
            <button
              type="button"
              class="primary alarm"
              onClick={() => {
                end();
                confirm();
              }}
            >
              {action}
            </button>
          </div>
        </>
      )}
    </Dialog>
  );
}
