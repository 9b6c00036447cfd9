/** A model as the playground's form needs it. */
export interface PageModel {
  readonly name: string;
  readonly description: string;
  /** The licence that governs the model, with a link to its text where one is known. */
  readonly licence: { readonly name: string; readonly url?: string | undefined } | null;
  readonly formats: readonly string[];
  /** All that the model knows, where that is little enough to list. */
  readonly words?: readonly string[] | undefined;
  /** A sheet of sample pictures, as a path; absent for models that it is not of. */
  readonly samples?: string | undefined;
  /** Cheap and quick enough to draw while one types without being asked. */
  readonly live: boolean;
  /** The most pictures that one order may ask for. */
  readonly maxOutputs: number;
  /** The model's own shape first. */
  readonly aspects: readonly {
    readonly ratio: string;
    readonly width: number;
    readonly height: number;
  }[];
  /** Price classes, smallest first: micro-USD an image of at most so many pixels. */
  readonly prices: readonly { readonly maxPixels: number; readonly perImage: number }[];
}

/** What the server writes into a page for its script. */
export interface PageData {
  readonly page: string;
  readonly models: readonly PageModel[];
  /** Whether the session is that of whoever runs the service. */
  readonly operator?: boolean;
}
