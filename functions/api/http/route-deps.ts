import type { PredictionIntake } from '#functions/api/predictions/prediction-intake.ts';
import type { Job } from '#shared/core/job.ts';
import type { PresentedPrediction, Presenter } from '#shared/service/domain/present-prediction.ts';
import type { ApiApp } from './context.ts';
import type { ApiDeps } from './deps.ts';

/** What routes are given besides the app. */
export interface RouteDeps extends ApiDeps {
  readonly presenter: Presenter;
  /** A job as clients see it now. `origin` is the scheme and host of the links in it. */
  readonly present: (job: Job, origin: string) => Promise<PresentedPrediction>;
  readonly intake: PredictionIntake;
}

/** Adds a family of routes to the API: dialects, pages and files come in this way. */
export type RegisterRoutes = (app: ApiApp, deps: RouteDeps) => void;
