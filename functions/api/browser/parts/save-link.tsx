import type { Child } from 'hono/jsx';

interface SaveLinkProps {
  readonly url: string;
  /** What the file is called. */
  readonly name: string;
  readonly label: string;
  readonly class: string;
  readonly children?: Child;
}

/** A download under a name of its own, not the one in the server's header. */
export function SaveLink({ url, name, label, class: classes, children }: SaveLinkProps) {
  const save = (event: Event) => {
    // This page can't read a bucket's files; they are saved under the header's name.
    if (new URL(url).origin !== location.origin) return;
    event.preventDefault();
    void saveAs(url, name).catch(() => location.assign(url));
  };
  return (
    <a class={classes} href={url} download={name} aria-label={label} title="Save" onClick={save}>
      {children}
    </a>
  );
}

async function saveAs(url: string, name: string): Promise<void> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`status ${response.status}`);
  const link = document.createElement('a');
  link.href = URL.createObjectURL(await response.blob());
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
