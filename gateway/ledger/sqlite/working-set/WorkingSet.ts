import type { Books } from '../Books.ts'
import type { Segment } from '../history/segments.ts'
import type { Family } from '../payments/family.ts'
import { sql } from '../sql.ts'
import { PendingTrail } from '../trail/PendingTrail.ts'
import { answers, type KeptAnswer } from './answers.ts'
import { balances, type StoredBalance } from './balances.ts'
import { type ChannelBooks, channels } from './channels.ts'
import { exposure } from './exposure.ts'
import { type Entry, Journal } from './Journal.ts'
import { Payments } from './payments.ts'
import { RowCache } from './RowCache.ts'
import { Transfers } from './transfers.ts'
import type { WriteBehind } from './WriteBehind.ts'

const version = sql<[], { data_version: number }>`PRAGMA data_version`

/**
 * The rows that calls write, in memory until they are written to their tables (`README.md`, "The journal"). Another connection that
 * wrote is noticed by SQLite's `data_version`, and everything is read anew.
 */
export class WorkingSet {
  /** Tables whose rows may wait to be written. */
  static readonly names =
    /\b(?:accounts|answers|answers_stored|balances|channels|events|exposure|payments|transfers)\b/

  readonly balances: WriteBehind<StoredBalance>
  readonly channels: WriteBehind<ChannelBooks>
  readonly unsettled: WriteBehind<bigint>
  readonly payments: Payments
  readonly transfers: Transfers
  readonly answers: WriteBehind<KeptAnswer>
  readonly families = new RowCache<Family>()
  /** Of the history, what was asked for last: to read one costs as much as a call. */
  readonly segments = new RowCache<Segment>(8)
  /** Last event of the trail, and whether anybody is in debt: `value` is read when it is null. */
  readonly single = new RowCache<WorkingSet.Single>()
  readonly trail: PendingTrail
  readonly #books: Books
  readonly #policy: WorkingSet.Policy
  readonly #journal: Journal
  /** In the order in which their tables refer to each other. */
  readonly #waiting: readonly Waiting[]
  readonly #checked: readonly { readonly isSound: boolean }[]
  readonly #all: readonly { settle(): void; undo(): void; forget(): void }[]
  #version: number | null = null
  #isChecked = false
  /** Operations that only the journal has, and how many groups they came in. */
  #operations = 0
  #groups = 0
  /** The tables were written in the transaction that runs. */
  #wasFlushed = false

  constructor(books: Books, policy: WorkingSet.Policy) {
    this.#books = books
    this.#policy = policy
    this.#journal = new Journal(books)
    this.balances = balances(books)
    this.channels = channels(books)
    this.unsettled = exposure(books)
    this.payments = new Payments(books)
    this.transfers = new Transfers(books)
    this.answers = answers(books)
    this.trail = new PendingTrail(books)
    const rows = [this.balances, this.channels, this.unsettled, this.payments, this.answers]
    this.#checked = rows
    this.#waiting = [...rows, this.transfers, this.trail]
    this.#all = [...this.#waiting, this.families, this.segments, this.single]
  }

  get isDirty(): boolean {
    return this.#waiting.some((rows) => rows.isDirty)
  }

  /** Called when a transaction that writes has begun: memory says what the books say, and the tables lack only what it has. */
  begin(): void {
    this.#wasFlushed = false
    this.check()
    if (!this.#journal.isKnown && !this.#journal.look()) this.#journal.apply()
  }

  /** Forgets everything when another connection has written since. */
  check(): void {
    const now = this.#books.load(version)?.data_version ?? 0
    if (now === this.#version) return
    this.forget()
    this.#version = now
  }

  /**
   * The same for what a write asks again before anything relies on it: once for all that is read in one turn of the event loop.
   * Whatever arrives later, from whoever another process has answered, is read in a later turn. Returns whether memory and tables
   * together have all of the books.
   */
  checkOnce(): boolean {
    if (this.#isChecked) return true
    this.check()
    if (!this.areWhole()) return false
    this.#isChecked = true
    setImmediate(() => {
      this.#isChecked = false
    })
    return true
  }

  /** Whether memory and tables together have all of the books: nobody else has left something in the journal. */
  areWhole(): boolean {
    return this.#policy === 'readonly' || this.#journal.isKnown || this.#journal.look()
  }

  /** Whether the tables alone have all of it. */
  areWritten(): boolean {
    this.check()
    return !this.isDirty && this.areWhole()
  }

  /** Writes what waits to the tables. */
  flush(): void {
    for (const rows of this.#waiting) rows.flush()
    this.#journal.clear()
    this.#operations = 0
    this.#groups = 0
    this.#wasFlushed = true
  }

  /**
   * A group has run: what it changed becomes durable with it. In the journal, as one row; in the tables when
   * enough waits for them, or when they were written in it already.
   */
  end(operations: number): void {
    this.#operations += operations
    this.#groups += 1
    const begun = this.payments.takeBegun()
    if (this.#wasFlushed || this.#isTime(2 * begun > operations)) {
      this.flush()
      return
    }
    const entries: Entry[] = []
    for (const rows of this.#waiting) rows.tell(entries)
    if (entries.length > 0) this.#journal.append(entries)
  }

  /**
   * Whether the tables are to be written. A call that is under way is written once more when it has ended, and its channel with a
   * voucher more than it then has, so a group that mostly begins calls leaves it to the next one, within twice of what may wait.
   */
  #isTime(beginsCalls: boolean): boolean {
    if (this.#policy === 'readonly') return true
    const { groups, most } = this.#policy
    const times = beginsCalls ? 2 : 1
    return this.#groups >= times * groups || this.#operations >= times * most
  }

  /** Would the schema take what the running operation made of its rows? What is not sound is written at once, to be refused. */
  get isSound(): boolean {
    return this.#checked.every((rows) => rows.isSound)
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

  /** The transaction failed, or somebody else has written: the file is right. */
  forget(): void {
    for (const rows of this.#all) rows.forget()
    this.#journal.forget()
    this.#isChecked = false
    this.#operations = 0
    this.#groups = 0
  }
}

type Waiting = {
  readonly isDirty: boolean
  flush(): void
  tell(entries: Entry[]): void
  settle(): void
  undo(): void
  forget(): void
}

export declare namespace WorkingSet {
  type Single = { seq: number; hash: string } | { anyDebt: boolean }
  /**
   * `groups`, `most`: what waits is written to the tables when it comes to as many groups, or operations, or twice as many while those
   * begin calls. `readonly`: nothing is
   * written; the tables are read as they are.
   */
  type Policy = { groups: number; most: number } | 'readonly'
}
