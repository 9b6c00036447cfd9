import type { Clock } from '#shared/core/clock.ts';
import type { AccountId, RandomBytes } from '#shared/core/ids.ts';
import type { MicroUsd } from '#shared/core/money.ts';
import type { OutboxEntry } from '#shared/core/outbox.ts';
import type { PageAssets } from '#functions/api/pages/assets.ts';
import type { ImageFacts } from '#shared/provenance/verify/inspect-image.ts';
import type { AdmissionService } from '#shared/service/domain/admission.ts';
import type { Catalog } from '#shared/service/domain/catalog.ts';
import type { Estimator } from '#shared/service/domain/estimator.ts';
import type { InvitationService } from '#shared/service/domain/invitations.ts';
import type { KeyService } from '#shared/service/domain/keys.ts';
import type { Pricing } from '#shared/service/domain/pricing.ts';
import type { AutoTopupService } from '#shared/service/domain/topups/auto-topups.ts';
import type { SettlementService } from '#shared/service/domain/settlement.ts';
import type { StreamMac } from '#shared/service/domain/stream-link.ts';
import type { AccountHooks } from '#shared/service/ports/account-hooks.ts';
import type { BlobStore } from '#shared/service/ports/blob-store.ts';
import type { CardDesk } from '#shared/service/ports/card-desk.ts';
import type { Erasure } from '#shared/service/ports/erasure.ts';
import type { JobStore, UnpaidLimits } from '#shared/service/ports/job-store.ts';
import type { JobWatcher } from '#shared/service/ports/job-watcher.ts';
import type { KeyStore } from '#shared/service/ports/key-store.ts';
import type { Ledger } from '#shared/service/ports/ledger.ts';
import type { Outbox } from '#shared/service/ports/outbox.ts';
import type { PaymentDesk } from '#shared/service/ports/payment-gateway.ts';
import type { RateLimiter } from '#shared/service/ports/rate-limiter.ts';
import type { ObservedRequest } from './observe-requests.ts';

/** Settings of the API itself; nothing here is a secret. */
export interface ApiSettings {
  /** The deployment's public URL, without a trailing slash; absent: taken from each request. */
  readonly publicUrl?: string;
  /** The account whose `admin` keys may grant credit and manage other accounts. */
  readonly operatorAccount?: AccountId;
  /** Where an account without credit is sent. */
  readonly topupUrl?: string;
  /** How long an output URL works. At most 15 minutes. */
  readonly urlTtlMs: number;
  /** The longest that a create is held open. */
  readonly maxWaitMs: number;
  /** The longest that a stream of events is held open; its client reconnects after that. */
  readonly maxStreamMs: number;
  /** How long a job whose caller can't poll is kept after its call was answered with 503. */
  readonly attachGraceMs: number;
  /** How many running jobs of an account may be stopped in an hour. */
  readonly runningCancelsPerHour: number;
  /** Every create is answered with 503. */
  readonly paused: boolean;
  /** Webhooks may go over plain http and to this machine. For development. */
  readonly allowLocalWebhooks: boolean;
}

/** A model that an operator wants awake. */
export interface WarmedModel {
  readonly state: 'awake' | 'waking';
  readonly readyInMs: number;
  /** Milliseconds since the Unix epoch. */
  readonly warmUntil: number;
}

/** What it takes to sell to callers without an account. */
export interface PaymentDeps {
  readonly desk: PaymentDesk;
  readonly unpaidLimits: UnpaidLimits;
}

/** What it takes to sell credit by card. */
export interface CardDeps {
  readonly desk: CardDesk;
  readonly auto: AutoTopupService;
}

/** Everything that the API is made of, whether it runs as one process or as many. */
export interface ApiDeps {
  readonly settings: ApiSettings;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
  readonly keyService: KeyService;
  readonly invitationService: InvitationService;
  readonly keyStore: Pick<KeyStore, 'audit' | 'list' | 'spent'>;
  readonly jobs: Pick<
    JobStore,
    'get' | 'list' | 'findByScope' | 'markAnswered' | 'park' | 'extendAttach' | 'queueDepth'
  >;
  readonly ledger: Ledger;
  readonly blobs: BlobStore;
  readonly rateLimiter: RateLimiter;
  readonly catalog: Catalog;
  readonly pricing: Pricing;
  readonly admission: AdmissionService;
  readonly settlement: Pick<SettlementService, 'cancelJob' | 'removeJobData' | 'reconcile'>;
  readonly estimator: Pick<Estimator, 'estimate' | 'forecast'>;
  /** How many jobs of a model the GPU function has; absent where that is unknown. */
  readonly countRunning?: (model: string) => Promise<number>;
  /** Wakes a model and keeps it awake for so many milliseconds; undefined for one that always is. */
  readonly warmModel?: (model: string, forMs: number) => Promise<WarmedModel | undefined>;
  readonly watcher: JobWatcher;
  /** Absent: every order takes an API key. */
  readonly payments?: PaymentDeps | undefined;
  /** Absent: credit is granted by the operator alone. */
  readonly cards?: CardDeps | undefined;
  /**
   * What an account can spend, below zero for one that owes, where asking is cheap: an order that it can't
   * pay for is then refused without a transaction.
   */
  readonly peekBalance?: (account: AccountId) => Promise<MicroUsd | undefined>;
  readonly outbox: Outbox;
  readonly hooks: AccountHooks;
  readonly erasure: Pick<Erasure, 'begin'>;
  /** Called when a webhook has become due. */
  readonly onWebhookDue?: (entry: OutboxEntry) => void;
  /** Reads an image file, where this process can: what it says of where it comes from. */
  readonly inspectImage?: (file: Uint8Array) => Promise<ImageFacts>;
  /** A small webp of an image file, where this process can make one. */
  readonly previewImage?: (file: Uint8Array) => Promise<Uint8Array>;
  /** The pages' script and style, where there are pages. */
  readonly pageAssets?: () => Promise<PageAssets>;
  /** Signs the receipts inside images. */
  readonly receiptSigningKey: Uint8Array;
  /** The secret part of a stream's URL. */
  readonly streamMac: StreamMac;
  /** Resolves when the stores answer and something can run jobs; rejects with the reason. */
  readonly checkReady: () => Promise<void>;
  /** Takes work that a request leaves behind, where the process may be stopped once it is answered. */
  readonly waitUntil?: (work: Promise<unknown>) => void;
  /** Called for each request as its answer begins; for logs and metrics. */
  readonly onRequest?: (request: ObservedRequest) => void;
  /** Called with what a client sees as a bare 500. */
  readonly onError: (error: unknown, requestId: string) => void;
}
