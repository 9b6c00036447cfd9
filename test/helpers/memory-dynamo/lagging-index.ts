import type { Attributes } from './expressions.ts';
import { type Place, SortedPlaces } from './sorted-places.ts';

interface Entry {
  readonly partition: string;
  readonly place: Place;
  /** What the index has of the item. */
  readonly projected: Attributes;
}

interface Change {
  readonly item: string;
  readonly dueAt: number;
  readonly entry: Entry | undefined;
}

export interface IndexSchema {
  readonly partitionKey: string;
  readonly sortKey: string;
  readonly include: readonly string[];
}

/**
 * A global secondary index: it hears of each item's changes in their order, but later, and of one item
 * perhaps before another that was changed first.
 */
export class LaggingIndex {
  readonly #schema: IndexSchema;
  readonly #visible = new Map<string, Entry>();
  readonly #partitions = new Map<string, SortedPlaces>();
  /** When the latest change of an item is heard of. */
  readonly #dueAt = new Map<string, number>();
  #changes: Change[] = [];

  constructor(schema: IndexSchema) {
    this.#schema = schema;
  }

  /** @param dueAt when the index hears of it; not before it hears of what came before */
  note(item: string, key: Attributes, after: Attributes | undefined, dueAt: number): void {
    const inOrder = Math.max(dueAt, this.#dueAt.get(item) ?? 0);
    const entry = after && this.#entryOf(item, key, after);
    if (!this.#dueAt.has(item) && isSame(this.#visible.get(item), entry)) return;
    this.#dueAt.set(item, inOrder);
    this.#changes.push({ item, dueAt: inOrder, entry });
  }

  #entryOf(item: string, key: Attributes, after: Attributes): Entry | undefined {
    const { partitionKey, sortKey, include } = this.#schema;
    const [partition, sort] = [after[partitionKey], after[sortKey]];
    if (typeof partition !== 'string' || typeof sort !== 'string') return undefined;
    const projected: Record<string, unknown> = {
      ...key,
      [partitionKey]: partition,
      [sortKey]: sort,
    };
    for (const name of include) if (after[name] !== undefined) projected[name] = after[name];
    return { partition, place: { sort, item }, projected };
  }

  /** Takes in what it has heard of by now. */
  hear(now: number): void {
    if (this.#changes.length === 0) return;
    const later: Change[] = [];
    for (const change of this.#changes) {
      if (change.dueAt <= now) this.#apply(change);
      else later.push(change);
    }
    this.#changes = later;
  }

  #apply({ item, entry, dueAt }: Change): void {
    const before = this.#visible.get(item);
    if (before !== undefined) {
      this.#partitions.get(before.partition)?.remove(before.place);
      this.#visible.delete(item);
    }
    if (this.#dueAt.get(item) === dueAt) this.#dueAt.delete(item);
    if (entry === undefined) return;
    this.#visible.set(item, entry);
    const places = this.#partitions.get(entry.partition) ?? new SortedPlaces();
    this.#partitions.set(entry.partition, places);
    places.add(entry.place);
  }

  places(partition: string): readonly Place[] {
    return this.#partitions.get(partition)?.places ?? [];
  }

  projected(item: string): Attributes | undefined {
    return this.#visible.get(item)?.projected;
  }
}

function isSame(a: Entry | undefined, b: Entry | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  const names = Object.keys(b.projected);
  return (
    names.length === Object.keys(a.projected).length &&
    names.every((name) => a.projected[name] === b.projected[name])
  );
}
