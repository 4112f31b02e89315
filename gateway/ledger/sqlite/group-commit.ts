import type { Database, Statement } from 'better-sqlite3'
import { LedgerClosedError, LedgerUnsafeError } from '../errors.ts'
import type { LoopWait } from './LoopWait.ts'
import { storageError } from './storage-error.ts'
import type { WalFile } from './wal-file.ts'

/** How many operations share one commit at most. The rest go into the next one, in their order. */
export const maxGroup = 256
/** How many turns of the event loop a group waits for more, at most. A busy one takes about a millisecond. */
const mostTurns = 4

/**
 * Runs operations that arrived together in one IMMEDIATE transaction, so that they share one fsync. One that throws is
 * rolled back and rejected alone. When BEGIN or COMMIT fails, nothing is applied and every operation of the group is
 * rejected.
 *
 * No promise resolves before its group is durable. Without `wal` COMMIT itself waits for the disk. With it COMMIT returns at
 * once and the disk is waited for beside the event loop; what arrives meanwhile is the next group, which begins when the
 * last one is durable. With `loopWait` the loop waits for some groups itself. A disk that does not confirm a group leaves its
 * fate unknown: then nothing is taken any more.
 */
export class GroupCommit {
  readonly #database: Database
  readonly #onCommit: ((group: GroupCommit.Group) => void) | undefined
  readonly #maxGroup: number
  readonly #rows: GroupCommit.Rows | undefined
  readonly #guard: (() => void) | undefined
  readonly #statements: Record<'begin' | 'commit' | 'rollback' | 'save' | 'undo' | 'release', Statement<[]>>
  readonly #wal: WalFile | undefined
  readonly #loopWait: LoopWait | undefined
  #queue: Entry[] = []
  #scheduled = false
  #closed = false
  /** The group that is committed and not yet durable. */
  #underWay: Promise<void> | null = null
  /** Gives its answers, once; or, with what the disk said, says that its fate is unknown. */
  #settle: ((failure?: unknown) => void) | null = null
  #unsafe: LedgerUnsafeError | null = null

  constructor(database: Database, options: GroupCommit.Options = {}) {
    this.#database = database
    this.#onCommit = options.onCommit
    this.#maxGroup = options.maxGroup ?? maxGroup
    this.#rows = options.rows
    this.#guard = options.guard
    this.#wal = options.wal
    this.#loopWait = options.loopWait
    this.#statements = {
      begin: database.prepare('BEGIN IMMEDIATE'),
      commit: database.prepare('COMMIT'),
      rollback: database.prepare('ROLLBACK'),
      save: database.prepare('SAVEPOINT operation'),
      undo: database.prepare('ROLLBACK TO operation'),
      release: database.prepare('RELEASE operation'),
    }
  }

  /** Queues an operation. It is a plain function: it cannot wait for anything while the write lock is held. */
  run<Result>(operation: () => Result): Promise<Result> {
    if (this.#closed) return Promise.reject(new LedgerClosedError())
    if (this.#unsafe !== null) return Promise.reject(this.#unsafe)
    return new Promise((resolve, reject) => {
      this.#queue.push({ operation, resolve: (value) => resolve(value as Result), reject })
      this.#schedule()
    })
  }

  /**
   * Waits until everything that can be read is durable, so that nothing is told that a power cut could unsay.
   * @throws {LedgerUnsafeError} the disk did not confirm it.
   */
  async durable(): Promise<void> {
    while (this.#underWay !== null) await this.#underWay
    if (this.#unsafe !== null) throw this.#unsafe
  }

  /** The disk did not confirm a group: nothing is taken any more. */
  get isUnsafe(): boolean {
    return this.#unsafe !== null
  }

  /** Commits what is queued, makes it durable, and takes no more. */
  close(): void {
    this.#closed = true
    this.#finish()
    while (this.#queue.length > 0) {
      this.#flush()
      this.#finish()
    }
  }

  #schedule(): void {
    if (this.#scheduled || this.#underWay !== null) return
    this.#scheduled = true
    this.#gather(0, 1)
  }

  /** Begins a group once a turn of the event loop brought nothing more for it. A commit costs the same for one as for sixty. */
  #gather(seen: number, turn: number): void {
    setImmediate(() => {
      const { length } = this.#queue
      if (length > seen && length < this.#maxGroup && turn < mostTurns) {
        this.#gather(length, turn + 1)
        return
      }
      this.#scheduled = false
      try {
        this.#flush()
      } finally {
        if (this.#queue.length > 0) this.#schedule()
      }
    })
  }

  #flush(): void {
    const group = this.#queue.splice(0, this.#maxGroup)
    if (group.length === 0) return
    let outcomes: Outcome[]
    try {
      if (this.#unsafe !== null) throw this.#unsafe
      outcomes = this.#together(group)
    } catch (error) {
      const reason = storageError(error)
      for (const entry of group) entry.reject(reason)
      return
    }
    if (this.#wal === undefined) {
      this.#answer(group, outcomes)
      return
    }
    if (this.#loopWait?.takes(group.length) === true) {
      this.#waitHere(this.#wal, this.#loopWait, group, outcomes)
      return
    }
    const settle = (failure?: unknown) => {
      if (this.#settle !== settle) return
      this.#settle = null
      this.#underWay = null
      if (failure === undefined) this.#answer(group, outcomes)
      else this.#lost(group, failure)
      if (this.#queue.length > 0) this.#schedule()
    }
    this.#settle = settle
    this.#underWay = this.#wal.sync().then(
      () => settle(),
      (error: unknown) => settle(error ?? 'it failed'),
    )
  }

  #waitHere(wal: WalFile, loopWait: LoopWait, group: readonly Entry[], outcomes: readonly Outcome[]): void {
    try {
      loopWait.run(() => wal.syncNow())
    } catch (error) {
      this.#lost(group, error ?? 'it failed')
      return
    }
    this.#answer(group, outcomes)
  }

  /** A disk that failed once may have dropped what it was given: asking it again would prove nothing. */
  #lost(group: readonly Entry[], cause: unknown): void {
    const unsafe = new LedgerUnsafeError(cause)
    this.#unsafe = unsafe
    for (const entry of group.concat(this.#queue.splice(0))) entry.reject(unsafe)
  }

  /** Waits for the disk at once. A disk says only once that it failed, so what the sync that runs hears proves nothing then. */
  #finish(): void {
    if (this.#underWay === null) return
    let failure: unknown
    try {
      this.#wal?.syncNow()
    } catch (error) {
      failure = error ?? 'it failed'
    }
    this.#settle?.(failure)
  }

  #answer(group: readonly Entry[], outcomes: readonly Outcome[]): void {
    for (const [index, entry] of group.entries()) {
      const outcome = outcomes[index]
      if (outcome === undefined) continue
      if ('error' in outcome) entry.reject(storageError(outcome.error))
      else entry.resolve(outcome.value)
    }
    this.#onCommit?.({ operations: group.length, failed: outcomes.filter((o) => 'error' in o).length })
  }

  /**
   * Runs a group and commits it. Mostly no operation fails once it has written, so none has a savepoint (each would copy
   * every page it touches). Where one does fail, or the schema refuses what was to be written once for all, nothing of
   * the group is kept, and it is run again with a savepoint for each: the one at fault fails alone.
   */
  #together(group: readonly Entry[], careful = this.#rows === undefined): Outcome[] {
    const again = !careful
    let refused = false
    try {
      this.#statements.begin.run()
      this.#rows?.begin()
      this.#guard?.()
      const outcomes = group.map((entry) => (careful ? this.#apart(entry) : this.#plainly(entry)))
      refused = again
      this.#rows?.end(group.length)
      this.#rows?.settle()
      refused = false
      this.#statements.commit.run()
      return outcomes
    } catch (error) {
      if (this.#database.inTransaction) this.#statements.rollback.run()
      this.#rows?.forget()
      if (again && (refused || error === halfway)) return this.#together(group, true)
      throw error
    }
  }

  /** One operation without a savepoint. @throws `halfway` when it failed and had written. */
  #plainly(entry: Entry): Outcome {
    const before = this.#rows?.written()
    try {
      const value = entry.operation()
      if (this.#rows?.isSound === false) throw halfway
      this.#rows?.settle()
      return { value }
    } catch (error) {
      if (!this.#database.inTransaction) throw error
      if (this.#rows?.written() !== before) throw halfway
      this.#rows?.undo()
      return { error }
    }
  }

  /** One operation in its savepoint. Throws only when SQLite gave up the whole transaction. */
  #apart(entry: Entry): Outcome {
    this.#statements.save.run()
    try {
      const value = entry.operation()
      this.#rows?.flush()
      this.#statements.release.run()
      this.#rows?.settle()
      return { value }
    } catch (error) {
      if (!this.#database.inTransaction) throw error
      this.#statements.undo.run()
      this.#statements.release.run()
      this.#rows?.undo()
      return { error }
    }
  }
}

/** An operation failed after it had written, or wrote what the schema refuses, and has no savepoint to go back to. */
const halfway = new Error('an operation failed after it had written')

type Entry = { operation: () => unknown; resolve: (value: unknown) => void; reject: (error: unknown) => void }
type Outcome = { value: unknown } | { error: unknown }

export declare namespace GroupCommit {
  /** What one commit carried: for metrics. */
  type Group = { operations: number; failed: number }
  /** Rows in memory that follow the transaction: `WorkingSet`. */
  type Rows = {
    /** A transaction has begun. */
    begin(): void
    /** Writes what waits to the tables. */
    flush(): void
    /** All operations of a group have run. */
    end(operations: number): void
    /** Whether the schema would take what the operation that ran has changed in memory. */
    readonly isSound: boolean
    settle(): void
    undo(): void
    forget(): void
    /** Grows with each row written, in memory or in the file. */
    written(): number
  }
  type Options = {
    onCommit?: ((group: Group) => void) | undefined
    maxGroup?: number
    rows?: Rows
    /** Throws when nothing may be written any more: asked in each transaction, before its first operation. */
    guard?: () => void
    /** The log, when COMMIT does not wait for the disk itself (`synchronous = NORMAL`). */
    wal?: WalFile | undefined
    /** For which groups the event loop waits for the disk itself; for none by default. */
    loopWait?: LoopWait | undefined
  }
}
