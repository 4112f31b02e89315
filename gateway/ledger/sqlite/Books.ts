import type { Database, Statement } from 'better-sqlite3'
import { type Query, sql, type Value } from './sql.ts'
import { isLocked } from './storage-error.ts'
import { WorkingSet } from './working-set/WorkingSet.ts'

const begin = sql`BEGIN`
const beginToWrite = sql`BEGIN IMMEDIATE`
const commit = sql`COMMIT`
const rollback = sql`ROLLBACK`

/**
 * One connection to the books, with its prepared statements, the clock and the rows that calls change over and over
 * (`rows`). A statement that names a table whose rows wait to be written is run after they were.
 */
export class Books {
  readonly database: Database
  readonly clock: { now(): number }
  /** As which instance this connection writes; null: as none. */
  instance: string | null = null
  /** How many rows were written on this connection. */
  writes = 0
  /** Transfers of the operation that is running: the trail states them. */
  posted: Books.Posted[] = []
  /** Rows in memory. */
  readonly rows: WorkingSet
  readonly #prepared = new Map<Query<Value[], unknown>, Prepared>()
  readonly #preparedTogether = new Map<Query<Value[], unknown>, Statement<Value[]>>()

  constructor(database: Database, clock: { now(): number }, policy: WorkingSet.Policy = writeAtOnce) {
    this.database = database
    this.clock = clock
    this.rows = new WorkingSet(this, policy)
  }

  /** First row, or null. */
  get<Values extends Value[], Row>(query: Query<Values, Row>, ...values: Values): Row | null {
    return (this.#statement(query).get(...values) as Row | undefined) ?? null
  }

  /** Every row. */
  all<Values extends Value[], Row>(query: Query<Values, Row>, ...values: Values): Row[] {
    return this.#statement(query).all(...values) as Row[]
  }

  /** Row after row, for what may be long. Nothing else may use the connection until it ends. */
  each<Values extends Value[], Row>(query: Query<Values, Row>, ...values: Values): IterableIterator<Row> {
    return this.#statement(query).iterate(...values) as IterableIterator<Row>
  }

  /** Runs a statement that writes. Returns how many rows it changed. */
  run<Values extends Value[]>(query: Query<Values, never>, ...values: Values): number {
    const { changes } = this.#statement(query).run(...values)
    this.writes += changes
    return changes
  }

  /** Inserts one row. Returns its id. */
  insert<Values extends Value[]>(query: Query<Values, never>, ...values: Values): number {
    const { changes, lastInsertRowid } = this.#statement(query).run(...values)
    this.writes += changes
    return Number(lastInsertRowid)
  }

  /** Reads one row of a table in the working set, for the working set: what waits to be written is not in it. */
  load<Values extends Value[], Row>(query: Query<Values, Row>, ...values: Values): Row | null {
    return (this.#prepare(query).statement.get(...values) as Row | undefined) ?? null
  }

  /** Reads rows of a table of the working set as it is: what waits to be written is not in it. */
  loadAll<Values extends Value[], Row>(query: Query<Values, Row>, ...values: Values): Row[] {
    return this.#prepare(query).statement.all(...values) as Row[]
  }

  /** Writes one row of the working set. Returns how many rows it changed. */
  write<Values extends Value[]>(query: Query<Values, never>, ...values: Values): number {
    return this.#prepare(query).statement.run(...values).changes
  }

  /**
   * Inserts rows of the working set, several in one statement: beginning and ending one is a fifth of what a row costs. For rows that
   * lie side by side: such a statement keeps a copy of each page that it changes, to be able to take back its first rows.
   */
  writeRows<Values extends Value[]>(query: Query<Values, never>, rows: readonly Values[]): void {
    let from = 0
    for (; from + together <= rows.length; from += together)
      this.#prepareTogether(query).run(...rows.slice(from, from + together).flat())
    for (const values of rows.slice(from)) this.write(query, ...values)
  }

  /** Brings the tables up to what is so, between transactions: nothing of it is new, and all of it was durable before. */
  fold(): void {
    this.write(beginToWrite)
    try {
      this.rows.begin()
      this.rows.flush()
      this.rows.settle()
      this.write(commit)
    } catch (error) {
      if (this.database.inTransaction) this.write(rollback)
      this.rows.forget()
      throw error
    }
  }

  /**
   * Runs reads of the tables on one snapshot, after all that waited was written: for everybody, or, where a full disk refuses
   * that, for this reader alone.
   */
  snapshot<Result>(read: () => Result): Result {
    if (!this.rows.areWritten() && !this.#canFold()) return this.#aside(read)
    this.write(begin)
    try {
      this.rows.check()
      return read()
    } finally {
      this.write(commit)
    }
  }

  /** Looks up what may be in memory, once memory and tables together have all of the books. */
  glance<Result>(look: () => Result): Result {
    if (this.rows.checkOnce() || this.#canFold())
      try {
        return look()
      } catch (error) {
        // It had to write what waits, which a full disk refused.
        if (this.rows.areWhole()) throw error
      }
    return this.#aside(look)
  }

  /** @throws when another process holds the lock: who has waited for it in vain need not do so twice. */
  #canFold(): boolean {
    try {
      this.fold()
      return true
    } catch (error) {
      if (isLocked(error)) throw error
      return false
    }
  }

  /** Writes what waits, reads, and takes it back: that needs no room on the disk. @throws what made `fold` fail, if it does here too. */
  #aside<Result>(read: () => Result): Result {
    this.write(beginToWrite)
    try {
      this.rows.begin()
      this.rows.flush()
      return read()
    } finally {
      if (this.database.inTransaction) this.write(rollback)
      this.rows.forget()
    }
  }

  #statement(query: Query<Value[], unknown>): Statement<Value[]> {
    const { statement, waits } = this.#prepare(query)
    if (waits && this.rows.isDirty) {
      if (this.database.inTransaction) this.rows.flush()
      else this.fold()
    }
    return statement
  }

  /** The same statement for several rows: with what stands in brackets after `VALUES` as often. */
  #prepareTogether(query: Query<Value[], unknown>): Statement<Value[]> {
    const known = this.#preparedTogether.get(query)
    if (known !== undefined) return known
    const text = query.text.replace(/\((?:\?, )*\?\)/, (row) => Array(together).fill(row).join(', '))
    const statement = this.database.prepare<Value[]>(text)
    this.#preparedTogether.set(query, statement)
    return statement
  }

  #prepare(query: Query<Value[], unknown>): Prepared {
    const known = this.#prepared.get(query)
    if (known !== undefined) return known
    const statement = this.database.prepare<Value[]>(query.text)
    const prepared = { statement, waits: WorkingSet.names.test(query.text) }
    this.#prepared.set(query, prepared)
    return prepared
  }
}

/** How many rows one statement inserts. */
const together = 16

/** Every group is written to the tables at once. */
export const writeAtOnce: WorkingSet.Policy = { groups: 0, most: 0 }

type Prepared = { statement: Statement<Value[]>; waits: boolean }

export declare namespace Books {
  /** A transfer as it was booked. */
  type Posted = {
    id: number
    kind: string
    debit: string
    credit: string
    asset: string
    amount: string
    payment: string | null
    channel: string | null
    transaction: string | null
    logIndex: number | null
  }
}
