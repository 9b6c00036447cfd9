import type { OrderDesk } from '#functions/api/predictions/submit-order.ts';
import type { Presenter } from '#shared/service/domain/present-prediction.ts';
import type { ApiApp } from './context.ts';
import type { ApiDeps } from './deps.ts';

/** What routes are given beside the app that they add themselves to. */
export interface RouteDeps extends ApiDeps {
  readonly presenter: Presenter;
  readonly desk: OrderDesk;
}

/** Adds a family of routes to the API: the seam for dialects, pages and files. */
export type RegisterRoutes = (app: ApiApp, deps: RouteDeps) => void;
