import { html, raw } from 'hono/html';
import type { Child } from 'hono/jsx';
import { ICON, Mark } from './mark.tsx';
import type { PageData } from './page-schema.ts';

export interface PageLink {
  readonly page: string;
  readonly path: string;
  readonly title: string;
  /** Led to for the operator only, or from another page. */
  readonly shown?: 'operator' | 'elsewhere';
}

/** The pages for whoever is signed in. */
export const PAGE_LINKS: readonly PageLink[] = [
  { page: 'playground', path: '/', title: 'Playground' },
  { page: 'keys', path: '/keys', title: 'Keys' },
  { page: 'credits', path: '/credits', title: 'Credits' },
  { page: 'usage', path: '/usage', title: 'Usage' },
  { page: 'webhooks', path: '/webhooks', title: 'Webhooks' },
  { page: 'verify', path: '/verify', title: 'Verify' },
  { page: 'statement', path: '/statement', title: 'Statement', shown: 'elsewhere' },
  { page: 'accounts', path: '/accounts', title: 'Accounts', shown: 'operator' },
];

const DESCRIPTION =
  'An image API that draws while you type: one denoising step, pay per picture, on your own machine or AWS account.';

interface DocumentProps {
  readonly title: string;
  readonly page: string;
  readonly signedIn: boolean;
  readonly operator?: boolean;
  /** From the page to the top, such as `..`: a proxy may serve it all under a prefix. */
  readonly root: string;
  /** The scheme, host and prefix that the page is seen under: link previews take no relative address. */
  readonly origin: string;
  /** The picture of link previews. */
  readonly card: string;
  readonly script: string;
  readonly style: string;
  /** JSON for the script; absent on pages that need none. */
  readonly data?: PageData | undefined;
  readonly children?: Child | undefined;
}

/**
 * A whole page: head, navigation, and the place that the script fills. Its links are relative, since a proxy
 * may serve it under a prefix; every page with a navigation lies at the top.
 */
export function Document(props: DocumentProps) {
  return html`<!doctype html>${(
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>{props.title === 'Playground' ? 'Onestep' : `${props.title} · Onestep`}</title>
        <meta name="description" content={DESCRIPTION} />
        <meta property="og:title" content="Onestep" />
        <meta property="og:description" content={DESCRIPTION} />
        <meta property="og:type" content="website" />
        <meta property="og:image" content={props.origin + props.card} />
        <meta name="color-scheme" content="light dark" />
        <link rel="icon" href={ICON} />
        <link rel="stylesheet" href={props.root + props.style} />
        {props.data !== undefined && <script type="module" src={props.root + props.script} />}
      </head>
      <body>
        <a class="skip" href="#app">
          Skip to the content
        </a>
        <header>
          <a class="name" href={`${props.root}/`}>
            <Mark /> Onestep
          </a>
          {props.signedIn && <Navigation page={props.page} operator={props.operator === true} />}
        </header>
        {props.signedIn && <div id="alerts" role="status" />}
        <main>
          {props.page !== 'playground' && <h1>{props.title}</h1>}
          <div id="app" tabindex={-1}>
            {props.children}
          </div>
          {props.data !== undefined && (
            <noscript>This page needs JavaScript. The API doesn’t: see the API reference.</noscript>
          )}
        </main>
        <footer>
          <a href={`${props.root}/docs`}>API reference</a> ·{' '}
          <a href={`${props.root}/openapi.json`}>OpenAPI</a>
        </footer>
        {props.data !== undefined && (
          <script type="application/json" id="page-data">
            {raw(escapeForScript(JSON.stringify(props.data)))}
          </script>
        )}
      </body>
    </html>
  )}`;
}

function Navigation({ page, operator }: { readonly page: string; readonly operator: boolean }) {
  const links = PAGE_LINKS.filter(
    ({ shown }) => shown === undefined || (shown === 'operator' && operator),
  );
  return (
    <>
      <nav aria-label="Pages">
        {links.map((link) => (
          <a href={`.${link.path}`} aria-current={link.page === page ? 'page' : undefined}>
            {link.title}
          </a>
        ))}
        <a href="./docs">API</a>
      </nav>
      <span id="balance" />
      <form method="post" action="./sign-out">
        <button type="submit" class="quiet">
          Sign out
        </button>
      </form>
    </>
  );
}

/** JSON that can't end the script element it stands in. */
function escapeForScript(json: string): string {
  return json.replaceAll('<', '\\u003c');
}
