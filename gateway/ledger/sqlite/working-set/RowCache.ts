/** How many rows one generation holds. A row that is not used while this many others are is forgotten. */
const generation = 4_096

/**
 * Rows as they stand in the database, by key: read once, written through. Bounded: two generations, of which the older
 * one is dropped when the younger is full. An operation that fails takes its own writes back with `undo`.
 *
 * A `Map` that is emptied or grows anew points from its old table to the next, and so does the next: once the collector has
 * moved one of them to where it looks seldom, it keeps all that come after, with what they held. So rows that come and go with
 * every call are in plain dictionaries, and what one operation touched in a list of its own.
 */
export class RowCache<Row> {
  #young: Dictionary<Row> = Object.create(null)
  #old: Dictionary<Row> = Object.create(null)
  /** Rows in the younger one. */
  #count = 0
  #touched: string[] = []
  readonly #size: number

  constructor(size = generation) {
    this.#size = size
  }

  get(key: string): Row | undefined {
    const row = this.#young[key]
    if (row !== undefined) return row
    const aged = this.#old[key]
    if (aged !== undefined) this.keep(key, aged)
    return aged
  }

  /** Remembers a row that was read. */
  keep(key: string, row: Row): Row {
    if (this.#count >= this.#size) {
      this.#old = this.#young
      this.#young = Object.create(null)
      this.#count = 0
    }
    if (this.#young[key] === undefined) this.#count++
    this.#young[key] = row
    return row
  }

  /** Remembers a row that was written in the operation that runs. */
  put(key: string, row: Row): Row {
    this.#touched.push(key)
    return this.keep(key, row)
  }

  /** The row was changed otherwise, or is gone: it is read again when it is needed. */
  drop(key: string): void {
    this.#touched.push(key)
    this.#remove(key)
  }

  /** The operation is done. */
  settle(): void {
    if (this.#touched.length > 0) this.#touched = []
  }

  /** The operation failed and was rolled back. */
  undo(): void {
    for (const key of this.#touched) this.#remove(key)
    this.#touched = []
  }

  /** Somebody else may have written, or the transaction failed. */
  forget(): void {
    this.#young = Object.create(null)
    this.#old = Object.create(null)
    this.#count = 0
    this.#touched = []
  }

  #remove(key: string): void {
    if (this.#young[key] !== undefined) {
      this.#count--
      delete this.#young[key]
    }
    if (this.#old[key] !== undefined) delete this.#old[key]
  }
}

/** Without a prototype: every key is a name of its own. */
type Dictionary<Row> = Record<string, Row | undefined>
