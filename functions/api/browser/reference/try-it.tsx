import { render, useState } from 'hono/jsx/dom';
import { BASE } from '#functions/api/browser/api.ts';
import { type Answer, readAnswer } from './read-answer.ts';

/** Adds to each call of the reference a form that makes it, as whoever is signed in. */
export function addTryIts(): void {
  for (const place of document.querySelectorAll<HTMLElement>('.try')) {
    const { method = 'GET', path = '', body, headers = '{}' } = place.dataset;
    render(<TryIt method={method} path={path} body={body} headers={JSON.parse(headers)} />, place);
  }
}

interface TryItProps {
  readonly method: string;
  readonly path: string;
  readonly body: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
}

function TryIt({ method, path, body, headers }: TryItProps) {
  const [isOpen, setOpen] = useState(false);
  const [answer, setAnswer] = useState<Answer | undefined>(undefined);
  if (!isOpen) {
    return (
      <button type="button" onClick={() => setOpen(true)}>
        Try it
      </button>
    );
  }
  const names = [...path.matchAll(/{(\w+)}/g)].map(([, name = '']) => name);
  const send = async (form: HTMLFormElement) => {
    const data = new FormData(form);
    const filled = names.reduce(
      (text, name) => text.replace(`{${name}}`, encodeURIComponent(String(data.get(name)))),
      path,
    );
    const query = String(data.get('?query') ?? '').replace(/^\?/, '');
    setAnswer({ title: 'Sending…' });
    const begun = performance.now();
    try {
      const response = await fetch(`${BASE}${filled}${query === '' ? '' : `?${query}`}`, {
        method,
        credentials: 'same-origin',
        ...(body === undefined
          ? { headers }
          : {
              body: String(data.get('?body')),
              headers: { ...headers, 'content-type': 'application/json' },
            }),
      });
      setAnswer(await readAnswer(response, performance.now() - begun));
    } catch (error) {
      setAnswer({ title: 'Connection lost', text: String(error) });
    }
  };
  return (
    <form
      onSubmit={(event: Event) => {
        event.preventDefault();
        void send(event.target as HTMLFormElement);
      }}
    >
      {names.map((name) => (
        <label key={name}>
          {name}
          <input name={name} required />
        </label>
      ))}
      {method === 'GET' && (
        <label>
          Query (optional)
          <input name="?query" placeholder="name=value" />
        </label>
      )}
      {body !== undefined && (
        <label>
          Body
          <textarea name="?body" rows={6} value={pretty(body)} />
        </label>
      )}
      <button type="submit">Send</button>
      <small>
        This makes a real request as whoever is signed in; pictures cost what they cost.
      </small>
      <div role="status">{answer !== undefined && <strong>{answer.title}</strong>}</div>
      {answer?.text !== undefined && <pre tabIndex={0}>{answer.text}</pre>}
      {answer?.image !== undefined && <img src={answer.image} alt="What the call made" />}
    </form>
  );
}

function pretty(json: string): string {
  return JSON.stringify(JSON.parse(json), null, 2);
}
