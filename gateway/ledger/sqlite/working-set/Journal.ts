import { LedgerIntegrityError } from '../../errors.ts'
import type { Books } from '../Books.ts'
import { type Query, sql, type Value } from '../sql.ts'
import type { Said } from '../trail/append.ts'
import { writeAnswers } from './answers.ts'
import { saveBalance } from './balances.ts'
import { saveChannel } from './channels.ts'
import { saveUnsettled } from './exposure.ts'
import { insertPayment, movePayment } from './payments.ts'
import { insertTransfer, postedOf, type TransferValues } from './transfers.ts'

/** One row as a group left it: the statement that writes it, by name, and its values. */
export type Entry =
  | [statement: keyof typeof statements, ...values: (string | number | null)[]]
  | ['answer', payment: string, base64: string, at: number]
  | ['said', Said]

/** Names are what stands in files: one that was released keeps its meaning. */
const statements = {
  account: saveBalance,
  exposure: saveUnsettled,
  channel: saveChannel,
  payment: insertPayment,
  'payment-moved': movePayment,
  transfer: insertTransfer,
} satisfies Record<string, Query<Value[], never>>

const append = sql<[body: string]>`INSERT INTO journal (body) VALUES (?)`
const first = sql<[], { one: number }>`SELECT 1 AS one FROM journal WHERE seq > 0 LIMIT 1`
const inOrder = sql<
  [],
  { seq: number; body: string }
>`SELECT seq, body FROM journal WHERE seq > 0 ORDER BY seq`
const clear = sql`DELETE FROM journal WHERE seq > 0`

/**
 * What groups of operations made of the books, a row for each group, until the tables have it. The books are the tables with the
 * journal applied in its order. Who writes the tables clears it in the same transaction.
 */
export class Journal {
  readonly #books: Books
  /** Whether it has rows; null: that is not known. */
  #hasRows: boolean | null = null

  constructor(books: Books) {
    this.#books = books
  }

  /** False while the tables may lack what another connection, or an earlier process, put into the journal. */
  get isKnown(): boolean {
    return this.#hasRows !== null
  }

  /** Another connection wrote, or the transaction failed. */
  forget(): void {
    this.#hasRows = null
  }

  /** Looks whether there is anything to apply. Returns whether the tables are whole. */
  look(): boolean {
    if (this.#books.load(first) !== null) return false
    this.#hasRows = false
    return true
  }

  append(entries: readonly Entry[]): void {
    this.#books.write(append, JSON.stringify(entries))
    this.#hasRows = true
  }

  /** The tables have all of it. */
  clear(): void {
    if (this.#hasRows !== false) this.#books.write(clear)
    this.#hasRows = false
  }

  /** Writes into the tables what is in the journal. Memory has nothing of it. */
  apply(): void {
    const books = this.#books
    const transfers: Books.Posted[] = []
    const said: Said[] = []
    for (const { seq, body } of books.loadAll(inOrder))
      for (const entry of parse(seq, body)) {
        if (entry[0] === 'said') {
          said.push(entry[1])
          continue
        }
        if (entry[0] === 'answer') {
          const [, payment, base64, at] = entry
          writeAnswers(books, [[payment, Buffer.from(base64, 'base64'), at]])
          continue
        }
        const [name, ...values] = entry
        if (name === 'transfer') transfers.push(postedOf(values as TransferValues))
        books.write(statements[name] as Query<Value[], never>, ...values)
      }
    for (const [index, one] of said.entries()) books.rows.trail.add(one, index === 0 ? transfers : [])
    books.rows.trail.flush()
    books.rows.trail.settle()
    this.clear()
  }
}

function parse(seq: number, body: string): Entry[] {
  const entries = JSON.parse(body) as Entry[]
  const strange = entries.find(
    ([name]) => name !== 'said' && name !== 'answer' && !Object.hasOwn(statements, name),
  )
  if (strange !== undefined)
    throw new LedgerIntegrityError(
      `row ${seq} of the journal names "${strange[0]}", which this version does not know`,
    )
  return entries
}
