import type { Child } from 'hono/jsx';
import type { ApiApp, ApiContext } from '#functions/api/http/context.ts';
import { unknownRoute } from '#functions/api/http/unknown-route.ts';
import { keyOfAuthorization } from '#shared/adapters/http/authorization.ts';
import { isPageVisit } from '#shared/adapters/http/page-visit.ts';
import {
  endedSessionCookie,
  isFromAnotherSite,
  sessionCookie,
} from '#shared/adapters/http/session-cookie.ts';
import { defined } from '#shared/core/defined.ts';
import { AppError } from '#shared/core/errors.ts';
import { type AccountId, isUlid } from '#shared/core/ids.ts';
import { aspectSizes, type Catalog, type CatalogModel } from '#shared/service/domain/catalog.ts';
import type { KeyService } from '#shared/service/domain/keys.ts';
import { leadingLicence } from '#shared/service/domain/licence-links.ts';
import type { Pricing } from '#shared/service/domain/pricing.ts';
import type { PageAssets } from './assets.ts';
import { Document, PAGE_LINKS } from './document.tsx';
import type { OneTimeLinks } from './one-time-links.ts';
import type { PageData, PageModel } from './page-schema.ts';
import { NotFound } from './not-found.tsx';
import { SAMPLE_SHEET, SOCIAL_CARD } from './sample-sheet.ts';
import { SignIn } from './sign-in.tsx';

/** The model that the sheet of samples is of. */
const SHEET_MODEL = 'onestep/demo';
/** The largest picture that is drawn while one types without being asked. */
const LIVE_PIXELS = 320 * 320;

export interface PagesDeps {
  readonly assets: () => Promise<PageAssets>;
  readonly keyService: Pick<KeyService, 'authenticate'>;
  readonly catalog: Catalog;
  readonly pricing: Pricing;
  /** Where output images may come from besides the deployment itself, such as a bucket's origin. */
  readonly imageOrigins: readonly string[];
  /** The operator's account. */
  readonly operatorAccount?: AccountId | undefined;
  /** Absent where the server has no terminal to print them on. */
  readonly oneTimeLinks?: OneTimeLinks;
  /** Where people find the pages, if that is not where the server listens. */
  readonly publicUrl?: string | undefined;
}

/** The pages for people: playground, keys, credits, usage, webhooks, and signing in and out. */
export function registerPages(app: ApiApp, deps: PagesDeps): void {
  for (const { page, path, title, shown } of PAGE_LINKS) {
    app.get(path, async (c) => {
      const session = await sessionOf(c, deps);
      if (session === undefined) {
        return isVisitFromElsewhere(c) ? comeAgain(c) : c.redirect(signInPath(c), 303);
      }
      const operator =
        session.account.id === deps.operatorAccount && session.key.scopes.includes('admin');
      if (shown === 'operator' && !operator) return c.notFound();
      return show(c, deps, title, page, { page, models: modelsOf(deps), operator });
    });
  }
  // Without a session: an invited visitor has no key yet.
  app.get('/join', (c) => show(c, deps, 'You are invited', 'join', { page: 'join', models: [] }));
  app.get('/sign-in', (c) => showSignIn(c, deps, pagePath(c.req.query('to'))));
  app.post('/sign-in', (c) => signIn(c, deps));
  app.post('/sign-out', (c) => {
    assertOwnForm(c);
    c.header('set-cookie', endedSessionCookie(isSecure(c)));
    return c.redirect('./sign-in', 303);
  });
  app.get('/session/:token', (c) => {
    const to = pagePath(c.req.query('to'));
    const key = deps.oneTimeLinks?.redeem(c.req.param('token'));
    if (key === undefined) return c.redirect(withReturn('../sign-in', to), 303);
    c.header('set-cookie', sessionCookie(key, isSecure(c)));
    return c.redirect(`..${to}`, 303);
  });
  app.notFound((c) => {
    if (!isPageVisit(c.req.raw, c.req.path)) return unknownRoute(app, c);
    c.status(404);
    return show(
      c,
      deps,
      'Page not found',
      'not-found',
      undefined,
      <NotFound root={rootOf(c.req.path)} />,
    );
  });
  app.post('/session', (c) => createLink(c, deps));
  app.get('/assets/:name', async (c) => {
    const { script, style } = await deps.assets();
    const found = [script, style, SAMPLE_SHEET, SOCIAL_CARD].find(
      ({ path }) => path === c.req.path,
    );
    if (found === undefined) return c.notFound();
    return c.body(found.content, 200, {
      'content-type': found.contentType,
      'cache-control': 'public, max-age=31536000, immutable',
      'x-content-type-options': 'nosniff',
    });
  });
}

/**
 * A new link for the holder of an admin key, as `onestep open` asks for it. A session's cookie is not enough:
 * a link that a page could get would carry the session to another browser.
 */
async function createLink(c: ApiContext, { oneTimeLinks, keyService, publicUrl }: PagesDeps) {
  const key = keyOfAuthorization(c.req.header('authorization'));
  const known = key === undefined ? undefined : await keyService.authenticate(key);
  if (oneTimeLinks === undefined || known?.ok !== true || !known.key.scopes.includes('admin')) {
    throw new AppError('permission-denied', 'A link to sign in with needs an admin key.');
  }
  return c.json({ path: oneTimeLinks.create(), public_url: publicUrl }, 201);
}

/**
 * Another site's form would sign its visitor in to that site's account, where the site could read along.
 *
 * @throws AppError `permission-denied` for one
 */
function assertOwnForm(c: ApiContext): void {
  const { headers } = c.req.raw;
  // A proxy may have put its own name in the place of the one that the browser called.
  const hosts = [headers.get('host'), new URL(c.get('facts').origin).host];
  if (hosts.every((host) => isFromAnotherSite(headers, host))) {
    throw new AppError(
      'permission-denied',
      'This form is not from a page of this server. Behind a proxy, let it pass the Host header on.',
    );
  }
}

async function signIn(c: ApiContext, deps: PagesDeps): Promise<Response> {
  assertOwnForm(c);
  const form = await c.req.parseBody().catch((cause: unknown) => {
    throw new AppError('invalid-request', 'The form could not be read.', { cause });
  });
  const text = typeof form['key'] === 'string' ? form['key'].trim() : '';
  const to = pagePath(form['to']);
  const key = keyOfAuthorization(`Bearer ${text}`);
  const known = key === undefined ? undefined : await deps.keyService.authenticate(key);
  if (key === undefined || known?.ok !== true) {
    c.status(401);
    const problem = 'This key does not work. Check that it was copied whole and not revoked.';
    return showSignIn(c, deps, to, problem);
  }
  c.header('set-cookie', sessionCookie(key, isSecure(c)));
  return c.redirect(`.${to}`, 303);
}

function showSignIn(c: ApiContext, deps: PagesDeps, to: string, problem?: string) {
  const hasLinks = deps.oneTimeLinks !== undefined;
  const form = <SignIn to={to} hasLinks={hasLinks} {...defined({ problem })} />;
  return show(c, deps, 'Sign in', 'sign-in', undefined, form);
}

/** One of the pages here, with the prediction that it shows: signing in leads nowhere else. */
function pagePath(asked: unknown): string {
  const base = 'http://page.invalid';
  const url = new URL(typeof asked === 'string' && URL.canParse(asked, base) ? asked : '/', base);
  const page = PAGE_LINKS.find(({ path }) => path === url.pathname);
  const prediction = url.searchParams.get('prediction') ?? '';
  const query = page?.path === '/' && isUlid(prediction) ? `?prediction=${prediction}` : '';
  return `${page?.path ?? '/'}${query}`;
}

/** A cookie may hold the key of another server on this host, or one that was revoked. */
async function sessionOf(c: ApiContext, deps: PagesDeps) {
  const key = keyOfAuthorization(c.get('facts').authorization);
  const known = key === undefined ? undefined : await deps.keyService.authenticate(key);
  return known?.ok === true ? known : undefined;
}

/**
 * A link on another site led here, such as that of the page where a card was charged: the browser keeps the
 * session's cookie back.
 */
function isVisitFromElsewhere(c: ApiContext): boolean {
  const site = c.req.header('sec-fetch-site');
  const isFromElsewhere = site === 'cross-site' || site === 'same-site';
  return isFromElsewhere && c.req.header('sec-fetch-dest') === 'document';
}

/** Visits the same page from here, with the session if there is one. */
function comeAgain(c: ApiContext): Response | Promise<Response> {
  c.header('content-security-policy', "default-src 'none'; frame-ancestors 'none'");
  c.header('cache-control', 'no-store');
  return c.html(
    '<!doctype html><html lang="en"><title>Onestep</title><meta http-equiv="refresh" content="0"></html>',
  );
}

/** Where to sign in, and come back from. Relative, as all redirects are: a proxy's prefix stays. */
function signInPath(c: ApiContext): string {
  const { pathname, search } = new URL(c.req.url);
  return withReturn('./sign-in', pagePath(pathname + search));
}

function withReturn(path: string, to: string): string {
  return to === '/' ? path : `${path}?${new URLSearchParams({ to })}`;
}

async function show(
  c: ApiContext,
  deps: PagesDeps,
  title: string,
  page: string,
  data: PageData | undefined,
  content?: Child,
): Promise<Response> {
  const { script, style } = await deps.assets();
  c.header('content-security-policy', contentSecurityPolicy(deps.imageOrigins));
  // With none at all, the pages' own forms would name no origin.
  c.header('referrer-policy', 'same-origin');
  c.header('x-content-type-options', 'nosniff');
  c.header('cache-control', 'no-store');
  return c.html(
    Document({
      title,
      page,
      signedIn: PAGE_LINKS.some((link) => link.page === data?.page),
      operator: data?.operator === true,
      root: rootOf(c.req.path),
      origin: c.get('facts').origin,
      card: SOCIAL_CARD.path,
      script: script.path,
      style: style.path,
      data,
      children: content,
    }),
  );
}

function contentSecurityPolicy(imageOrigins: readonly string[]): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    `img-src ${["'self'", 'data:', ...imageOrigins].join(' ')}`,
    "connect-src 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; ');
}

function modelsOf({ catalog, pricing }: PagesDeps): PageModel[] {
  return catalog.models.map((model) => ({
    name: model.name,
    description: model.description,
    formats: model.formats,
    maxOutputs: model.maxOutputs,
    words: model.words,
    live: isLive(model),
    ...(model.name === SHEET_MODEL ? { samples: SAMPLE_SHEET.path } : {}),
    licence: leadingLicence(model.licences) ?? null,
    aspects: Object.entries(aspectSizes(model.size)).map(([ratio, size]) => ({ ratio, ...size })),
    prices: pricing.classes(model.name).map(({ maxPixels, perImage }) => ({ maxPixels, perImage })),
  }));
}

/** A small picture on a processor: drawing it while a visitor types costs next to nothing. */
function isLive({ hardware, size }: CatalogModel): boolean {
  return hardware === 'cpu' && size.defaultWidth * size.defaultHeight <= LIVE_PIXELS;
}

/** From a path to the top: `.` from `/a`, `..` from `/a/b`. */
function rootOf(path: string): string {
  const below = path.split('/').length - 2;
  return below <= 0 ? '.' : Array.from({ length: below }, () => '..').join('/');
}

function isSecure(c: ApiContext): boolean {
  return c.get('facts').origin.startsWith('https:');
}
