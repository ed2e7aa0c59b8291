// Rows that wait for the next flush: readers see storage plus what is pending.

export interface RowStore<Key, Row> {
  get(key: Key): Row | undefined;
  put(key: Key, row: Row): void;
  delete(key: Key): void;
}

/** `Key` must be a primitive: pending rows are found by identity. */
export class PendingRows<Key extends string | number, Row> {
  readonly #store: RowStore<Key, Row>;
  readonly #pending = new Map<Key, Row | "deleted">();

  constructor(store: RowStore<Key, Row>) {
    this.#store = store;
  }

  get(key: Key): Row | undefined {
    const pending = this.#pending.get(key);
    if (pending === undefined) return this.#store.get(key);
    return pending === "deleted" ? undefined : pending;
  }

  put(key: Key, row: Row): void {
    this.#pending.set(key, row);
  }

  delete(key: Key): void {
    this.#pending.set(key, "deleted");
  }

  /** `stored`, as read from storage, with what is pending applied. */
  *overlay(stored: Iterable<readonly [Key, Row]>): Generator<readonly [Key, Row]> {
    for (const entry of stored) if (!this.#pending.has(entry[0])) yield entry;
    for (const [key, row] of this.#pending) if (row !== "deleted") yield [key, row];
  }

  get isDirty(): boolean {
    return this.#pending.size > 0;
  }

  /** Inside the flush's transaction. */
  flush(): void {
    for (const [key, row] of this.#pending) {
      if (row === "deleted") this.#store.delete(key);
      else this.#store.put(key, row);
    }
    this.#pending.clear();
  }
}
