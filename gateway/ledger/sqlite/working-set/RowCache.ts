/** How many rows one generation holds. A row that is not used while this many others are is forgotten. */
const generation = 4_096

/**
 * Rows as they stand in the database, by key: read once, written through. Bounded: two generations, of which the older
 * one is dropped when the younger is full. An operation that fails takes its own writes back with `undo`.
 */
export class RowCache<Row> {
  #young = new Map<string, Row>()
  #old = new Map<string, Row>()
  readonly #touched = new Set<string>()
  readonly #size: number

  constructor(size = generation) {
    this.#size = size
  }

  get(key: string): Row | undefined {
    const row = this.#young.get(key)
    if (row !== undefined) return row
    const aged = this.#old.get(key)
    if (aged !== undefined) this.keep(key, aged)
    return aged
  }

  /** Remembers a row that was read. */
  keep(key: string, row: Row): Row {
    if (this.#young.size >= this.#size) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(key, row)
    return row
  }

  /** Remembers a row that was written in the operation that runs. */
  put(key: string, row: Row): Row {
    this.#touched.add(key)
    return this.keep(key, row)
  }

  /** The row was changed otherwise, or is gone: it is read again when it is needed. */
  drop(key: string): void {
    this.#touched.add(key)
    this.#remove(key)
  }

  /** The operation is done. */
  settle(): void {
    // Emptying what is empty makes a new table each time.
    if (this.#touched.size > 0) this.#touched.clear()
  }

  /** The operation failed and was rolled back. */
  undo(): void {
    for (const key of this.#touched) this.#remove(key)
    this.#touched.clear()
  }

  /** Somebody else may have written, or the transaction failed. */
  forget(): void {
    this.#young.clear()
    this.#old.clear()
    this.#touched.clear()
  }

  #remove(key: string): void {
    this.#young.delete(key)
    this.#old.delete(key)
  }
}
