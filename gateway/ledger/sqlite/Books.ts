import type { Database, Statement } from 'better-sqlite3'
import type { Query, Value } from './sql.ts'

/** One connection to the books, with its prepared statements and the clock. Holds no row between transactions. */
export class Books {
  readonly database: Database
  readonly clock: { now(): number }
  /** How many rows were written on this connection. */
  writes = 0
  /** Transfers of the operation that is running: the trail states them. */
  readonly posted: Books.Posted[] = []
  readonly #prepared = new Map<Query<Value[], unknown>, Statement<Value[]>>()

  constructor(database: Database, clock: { now(): number }) {
    this.database = database
    this.clock = clock
  }

  /** First row, or null. */
  get<Values extends Value[], Row>(query: Query<Values, Row>, ...values: Values): Row | null {
    return (this.#prepare(query).get(...values) as Row | undefined) ?? null
  }

  /** Every row. */
  all<Values extends Value[], Row>(query: Query<Values, Row>, ...values: Values): Row[] {
    return this.#prepare(query).all(...values) as Row[]
  }

  /** Row after row, for what may be long. Nothing else may use the connection until it ends. */
  each<Values extends Value[], Row>(query: Query<Values, Row>, ...values: Values): IterableIterator<Row> {
    return this.#prepare(query).iterate(...values) as IterableIterator<Row>
  }

  /** Runs a statement that writes. Returns how many rows it changed. */
  run<Values extends Value[]>(query: Query<Values, never>, ...values: Values): number {
    const { changes } = this.#prepare(query).run(...values)
    this.writes += changes
    return changes
  }

  /** Inserts one row. Returns its id. */
  insert<Values extends Value[]>(query: Query<Values, never>, ...values: Values): number {
    const { changes, lastInsertRowid } = this.#prepare(query).run(...values)
    this.writes += changes
    return Number(lastInsertRowid)
  }

  /** Runs reads on one snapshot. */
  snapshot<Result>(read: () => Result): Result {
    this.database.exec('BEGIN')
    try {
      return read()
    } finally {
      this.database.exec('COMMIT')
    }
  }

  #prepare(query: Query<Value[], unknown>): Statement<Value[]> {
    const known = this.#prepared.get(query)
    if (known !== undefined) return known
    const statement = this.database.prepare<Value[]>(query.text)
    this.#prepared.set(query, statement)
    return statement
  }
}

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
