import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'
import type { Entry } from './Journal.ts'

/** A transfer as the table has it. */
export type TransferValues = [
  id: number,
  debit: string,
  credit: string,
  asset: string,
  amount: string,
  kind: string,
  payment: string | null,
  channel: string | null,
  withdrawal: string | null,
  chain: number | null,
  transaction: string | null,
  log: number | null,
  block: number | null,
  at: number,
  previous: number | null,
]

export const insertTransfer = sql<TransferValues>`
  INSERT INTO transfers
    (id, debit, credit, asset, amount, kind, payment_id, channel_id, withdrawal_id, chain_id, tx, log_index, block,
      created_at, previous)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
const last = sql<[], { id: number }>`
  SELECT max(coalesce((SELECT max(id) FROM transfers), 0), highest) AS id FROM history_progress WHERE id = 1`

/** Transfers that wait to be written. They are numbered here, after those that the table has. */
export class Transfers {
  readonly #books: Books
  #rows: TransferValues[] = []
  /** How many are of operations that are done, and how many the journal has. */
  #settled = 0
  #told = 0
  /** The last one in the table; null: not known. */
  #last: number | null = null

  constructor(books: Books) {
    this.#books = books
  }

  get isDirty(): boolean {
    return this.#rows.length > 0
  }

  /** The number that the next one has. */
  next(): number {
    this.#last ??= this.#books.load(last)?.id ?? 0
    return this.#last + this.#rows.length + 1
  }

  add(values: TransferValues): void {
    this.#rows.push(values)
  }

  flush(): void {
    const rows = this.#rows
    if (rows.length === 0) return
    this.#books.writeRows(insertTransfer, rows)
    this.#start(rows.at(-1)?.[0] ?? null)
  }

  tell(entries: Entry[]): void {
    for (; this.#told < this.#rows.length; this.#told++) {
      const values = this.#rows[this.#told]
      if (values !== undefined) entries.push(['transfer', ...values])
    }
  }

  settle(): void {
    this.#settled = this.#rows.length
  }

  /** What was written inside of the operation's savepoint is gone too, so the last one is looked up again. */
  undo(): void {
    this.#rows.length = Math.min(this.#settled, this.#rows.length)
    this.#last = null
  }

  forget(): void {
    this.#start(null)
  }

  #start(lastId: number | null): void {
    this.#rows = []
    this.#settled = 0
    this.#told = 0
    this.#last = lastId
  }
}

/** What the trail states of it. */
export function postedOf(values: TransferValues): Books.Posted {
  const [id, debit, credit, asset, amount, kind, payment, channel, , , transaction, logIndex] = values
  return { id, kind, debit, credit, asset, amount, payment, channel, transaction, logIndex }
}
