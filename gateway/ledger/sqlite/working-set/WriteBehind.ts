import { RowCache } from './RowCache.ts'

/**
 * Rows that calls change over and over: changed in memory inside a transaction, and written once, before it commits.
 * Between transactions memory and database say the same.
 */
export class WriteBehind<Row> {
  readonly #rows = new RowCache<Row>()
  #dirty = new Map<string, Row>()
  /** What the running operation changed, as it was before; undefined where it was not dirty. */
  #before = new Map<string, Row | undefined>()
  /** Rows of earlier operations that were written inside the savepoint of the running one. */
  #early = new Map<string, Row>()
  readonly #write: WriteBehind.Write<Row>

  constructor(write: WriteBehind.Write<Row>) {
    this.#write = write
  }

  get isDirty(): boolean {
    return this.#dirty.size > 0
  }

  get(key: string): Row | undefined {
    return this.#dirty.get(key) ?? this.#rows.get(key)
  }

  /** Remembers a row that was read. */
  keep(key: string, row: Row): Row {
    return this.#rows.keep(key, row)
  }

  /** Changes a row. */
  set(key: string, row: Row): void {
    if (!this.#before.has(key)) this.#before.set(key, this.#dirty.get(key))
    this.#dirty.set(key, row)
  }

  /** The row was written otherwise. */
  drop(key: string): void {
    this.#dirty.delete(key)
    this.#rows.drop(key)
  }

  /** Writes what was changed. */
  flush(): void {
    if (this.#dirty.size === 0) return
    for (const [key, row] of this.#dirty) {
      this.#write(key, row, this.#rows.get(key))
      this.#rows.put(key, row)
      const before = this.#before.has(key) ? this.#before.get(key) : row
      if (before !== undefined) this.#early.set(key, before)
    }
    this.#dirty = new Map()
  }

  /** The operation is done. What held something is made anew, not emptied: `Generations` says why. */
  settle(): void {
    if (this.#before.size > 0) this.#before = new Map()
    if (this.#early.size > 0) this.#early = new Map()
    this.#rows.settle()
  }

  /** The operation failed and was rolled back: what it changed is as it was, and what it wrote for others is owed again. */
  undo(): void {
    this.#rows.undo()
    for (const [key, row] of this.#before)
      if (row === undefined) this.#dirty.delete(key)
      else this.#dirty.set(key, row)
    for (const [key, row] of this.#early) this.#dirty.set(key, row)
    this.settle()
  }

  /** Somebody else may have written, or the transaction failed. */
  forget(): void {
    this.#rows.forget()
    this.#dirty = new Map()
    this.#before = new Map()
    this.#early = new Map()
  }
}

export declare namespace WriteBehind {
  /** Writes a row. `stored` is what the database has, where that is known. */
  type Write<Row> = (key: string, row: Row, stored: Row | undefined) => void
}
