/** Where an entry stands in a partition, and the item that it is of. */
export interface Place {
  readonly sort: string;
  readonly item: string;
}

/** The entries of one partition in the order of their sort keys. */
export class SortedPlaces {
  readonly places: Place[] = [];

  /** The index of the first place that is not before this one. */
  find(place: Place): number {
    let [low, high] = [0, this.places.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isBefore(this.places[middle] as Place, place)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  add(place: Place): void {
    const at = this.find(place);
    if (this.places[at]?.item !== place.item || this.places[at]?.sort !== place.sort) {
      this.places.splice(at, 0, place);
    }
  }

  remove(place: Place): void {
    const at = this.find(place);
    const found = this.places[at];
    if (found?.item === place.item && found.sort === place.sort) this.places.splice(at, 1);
  }
}

/** Keys are compared as bytes; ours are ASCII, of which JavaScript's order is the same. */
function isBefore(a: Place, b: Place): boolean {
  return a.sort === b.sort ? a.item < b.item : a.sort < b.sort;
}
