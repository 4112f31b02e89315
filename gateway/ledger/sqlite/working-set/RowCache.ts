import { Generations } from '../../../Generations.ts'

/** How many rows one generation holds. A row that is not used while this many others are is forgotten. */
const generation = 4_096

/**
 * Rows as they stand in the database, by key: read once, written through. Bounded. An operation that fails takes its own
 * writes back with `undo`.
 */
export class RowCache<Row> {
  readonly #rows: Generations<Row>
  #touched: string[] = []

  constructor(size = generation) {
    this.#rows = new Generations(size)
  }

  get(key: string): Row | undefined {
    return this.#rows.get(key)
  }

  /** Remembers a row that was read. */
  keep(key: string, row: Row): Row {
    this.#rows.set(key, row)
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
    this.#rows.delete(key)
  }

  /** The operation is done. */
  settle(): void {
    if (this.#touched.length > 0) this.#touched = []
  }

  /** The operation failed and was rolled back. */
  undo(): void {
    for (const key of this.#touched) this.#rows.delete(key)
    this.#touched = []
  }

  /** Somebody else may have written, or the transaction failed. */
  forget(): void {
    this.#rows.clear()
    this.#touched = []
  }
}
