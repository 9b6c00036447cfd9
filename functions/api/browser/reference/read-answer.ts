import { duration } from '#functions/api/browser/format.ts';

/** An answer as the page shows it. */
export interface Answer {
  readonly title: string;
  readonly text?: string;
  /** A `data:` address. */
  readonly image?: string;
}

/** More than this is cut: a page full of text helps nobody. */
const MOST_CHARACTERS = 20_000;

/** Reads JSON, text or a picture. */
export async function readAnswer(response: Response, ms: number): Promise<Answer> {
  const title = `${response.status} ${response.statusText} in ${duration(ms)}`;
  const type = response.headers.get('content-type') ?? '';
  if (type.startsWith('image/')) return { title, image: await dataUrl(await response.blob()) };
  const text = await response.text();
  const shown = type.includes('json') ? indented(text) : text;
  const isCut = shown.length > MOST_CHARACTERS;
  return { title, text: isCut ? `${shown.slice(0, MOST_CHARACTERS)}\n…` : shown };
}

function indented(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function dataUrl(blob: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(reader.error ?? new Error('unreadable'));
    reader.readAsDataURL(blob);
  });
}
