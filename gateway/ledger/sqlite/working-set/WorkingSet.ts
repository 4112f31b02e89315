import type { Payment } from '../../Payment.ts'
import type { Books } from '../Books.ts'
import type { Family } from '../payments/family.ts'
import type { Hold } from '../payments/holds.ts'
import { sql } from '../sql.ts'
import { PendingTrail } from '../trail/PendingTrail.ts'
import { type StoredBalance, writeBalance } from './balances.ts'
import { type ChannelBooks, writeBooks } from './channels.ts'
import { writeUnsettled } from './exposure.ts'
import { RowCache } from './RowCache.ts'
import { WriteBehind } from './WriteBehind.ts'

const version = sql<[], { data_version: number }>`PRAGMA data_version`

/**
 * The rows that calls in flight change over and over, in memory. What several operations of one group change is written
 * once, before COMMIT; between groups memory says what the file says. Another connection that wrote is noticed by
 * SQLite's `data_version`, and everything is read anew.
 */
export class WorkingSet {
  /** Tables whose rows may wait to be written. */
  static readonly names = /\b(?:accounts|balances|channels|exposure|events)\b/

  readonly balances: WriteBehind<StoredBalance>
  readonly channels: WriteBehind<ChannelBooks>
  readonly unsettled: WriteBehind<bigint>
  readonly payments = new RowCache<Payment>()
  readonly holds = new RowCache<readonly Hold[]>()
  readonly families = new RowCache<Family>()
  /** Last event of the trail, and whether anybody is in debt: `value` is read when it is null. */
  readonly single = new RowCache<WorkingSet.Single>()
  readonly trail: PendingTrail
  readonly #books: Books
  readonly #waiting: readonly { readonly isDirty: boolean; flush(): void }[]
  readonly #all: readonly { settle(): void; undo(): void; forget(): void }[]
  #version: number | null = null
  #isChecked = false

  constructor(books: Books) {
    this.#books = books
    this.balances = new WriteBehind((key, row) => writeBalance(books, key, row))
    this.channels = new WriteBehind((_id, row, stored) => writeBooks(books, row, stored))
    this.unsettled = new WriteBehind((asset, row) => writeUnsettled(books, asset, row))
    this.trail = new PendingTrail(books)
    const waiting = [this.balances, this.channels, this.unsettled, this.trail]
    this.#waiting = waiting
    this.#all = [...waiting, this.payments, this.holds, this.families, this.single]
  }

  get isDirty(): boolean {
    return this.#waiting.some((rows) => rows.isDirty)
  }

  /** Called when a transaction has begun: forgets everything when another connection has written since. */
  check(): void {
    const now = this.#books.load(version)?.data_version ?? 0
    if (now === this.#version) return
    this.forget()
    this.#version = now
  }

  /**
   * The same for what a write asks again before anything relies on it: once for all that is read in one turn of the event loop.
   * Whatever arrives later, from whoever another process has answered, is read in a later turn.
   */
  checkOnce(): void {
    if (this.#isChecked) return
    this.check()
    this.#isChecked = true
    setImmediate(() => {
      this.#isChecked = false
    })
  }

  /** Writes what waits. */
  flush(): void {
    for (const rows of this.#waiting) rows.flush()
  }

  /** The operation is done. */
  settle(): void {
    for (const rows of this.#all) rows.settle()
  }

  /** The operation failed, and its savepoint was rolled back. */
  undo(): void {
    for (const rows of this.#all) rows.undo()
  }

  written(): number {
    return this.#books.writes
  }

  /** The transaction failed. */
  forget(): void {
    for (const rows of this.#all) rows.forget()
  }
}

export declare namespace WorkingSet {
  type Single = { seq: number; hash: string } | { anyDebt: boolean }
}
