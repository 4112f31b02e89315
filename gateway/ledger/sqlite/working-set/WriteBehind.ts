import type { Entry } from './Journal.ts'
import { RowCache } from './RowCache.ts'

/**
 * Rows that calls change over and over: changed in memory, and written later, once for many changes. Until then the journal has
 * what each group of operations made of them. What is read here is what is so; what stands in the table may be older.
 */
export class WriteBehind<Row> {
  readonly #rows = new RowCache<Row>()
  #dirty = new Map<string, Row>()
  /** What the running operation changed, as it was before; undefined where it was not dirty. */
  #before = new Map<string, Row | undefined>()
  /** Rows of earlier operations that were written inside the savepoint of the running one. */
  #early = new Map<string, Row>()
  /** Changed since the journal was last told. */
  #untold = new Set<string>()
  /** What the journal has of those that are dirty. */
  #told = new Set<string>()
  /** What was used last: an operation asks for the same row a dozen times, by names that are made anew. */
  #lastKey: string | null = null
  #lastRow: Row | undefined
  readonly #table: WriteBehind.Table<Row>

  constructor(table: WriteBehind.Table<Row>) {
    this.#table = table
  }

  get isDirty(): boolean {
    return this.#dirty.size > 0
  }

  get(key: string): Row | undefined {
    if (key === this.#lastKey) return this.#lastRow
    const row = this.#dirty.get(key) ?? this.#rows.get(key)
    if (row !== undefined) this.#use(key, row)
    return row
  }

  /** Rows that wait to be written. */
  waiting(): IterableIterator<Row> {
    return this.#dirty.values()
  }

  /** Remembers a row that was read. */
  keep(key: string, row: Row): Row {
    this.#lastKey = null
    return this.#rows.keep(key, row)
  }

  /** Changes a row. */
  set(key: string, row: Row): void {
    if (!this.#before.has(key)) this.#before.set(key, this.#dirty.get(key))
    this.#dirty.set(key, row)
    this.#untold.add(key)
    this.#use(key, row)
  }

  /** The row was written otherwise, after all that waited. */
  drop(key: string): void {
    this.#lastKey = null
    this.#dirty.delete(key)
    this.#rows.drop(key)
  }

  /** Is what the running operation made of its rows what the schema would take? */
  get isSound(): boolean {
    for (const key of this.#before.keys()) {
      const row = this.#dirty.get(key)
      if (row !== undefined && !this.#table.isSound(key, row, this.#before.get(key) ?? this.#rows.get(key)))
        return false
    }
    return true
  }

  /** Writes what was changed. */
  flush(): void {
    if (this.#dirty.size === 0) return
    this.#lastKey = null
    const changes = [...this.#dirty].map(([key, row]) => ({ key, row, stored: this.#rows.get(key) }))
    this.#table.write(changes)
    for (const { key, row, stored } of changes) {
      const kept = this.#table.kept(row)
      if (kept !== null) this.#rows.put(key, kept)
      else if (stored !== undefined) this.#rows.drop(key)
      const before = this.#before.has(key) ? this.#before.get(key) : row
      if (before !== undefined) this.#early.set(key, before)
    }
    this.#dirty = new Map()
    this.#untold = new Set()
    this.#told = new Set()
  }

  /** What was changed since the last time, for the journal. */
  tell(entries: Entry[]): void {
    if (this.#untold.size === 0) return
    for (const key of this.#untold) {
      const row = this.#dirty.get(key)
      if (row === undefined) continue
      entries.push(this.#table.entry(key, row, this.#told.has(key)))
      this.#told.add(key)
    }
    this.#untold = new Set()
  }

  /** The operation is done. What held something is made anew, not emptied: `Generations` says why. */
  settle(): void {
    if (this.#before.size > 0) this.#before = new Map()
    if (this.#early.size > 0) this.#early = new Map()
    this.#rows.settle()
  }

  /** The operation failed and was rolled back: what it changed is as it was, and what it wrote for others is owed again. */
  undo(): void {
    this.#lastKey = null
    this.#rows.undo()
    for (const [key, row] of this.#before)
      if (row === undefined) this.#dirty.delete(key)
      else this.#dirty.set(key, row)
    for (const [key, row] of this.#early) this.#dirty.set(key, row)
    this.settle()
  }

  /** Somebody else may have written, or the transaction failed. */
  forget(): void {
    this.#lastKey = null
    this.#rows.forget()
    this.#dirty = new Map()
    this.#before = new Map()
    this.#early = new Map()
    this.#untold = new Set()
    this.#told = new Set()
  }

  #use(key: string, row: Row): void {
    this.#lastKey = key
    this.#lastRow = row
  }
}

export declare namespace WriteBehind {
  /** `stored` is what the table has, where that is known. */
  type Change<Row> = { key: string; row: Row; stored: Row | undefined }
  type Table<Row> = {
    /** Writes rows. */
    write(changes: readonly Change<Row>[]): void
    /** What is remembered of a row that was written; null: nothing. */
    kept(row: Row): Row | null
    /** The same for the journal. `again`: it has the row already. */
    entry(key: string, row: Row, again: boolean): Entry
    /** Whether the schema would take it. `before` is the row as it was, where that is known. */
    isSound(key: string, row: Row, before: Row | undefined): boolean
  }
}
