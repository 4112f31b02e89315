import { systemClock } from '../../clock.ts'
import { LedgerClosedError } from '../errors.ts'
import type { Ledger } from '../Ledger.ts'
import { listBalances } from './accounts/list-balances.ts'
import { readBalance } from './accounts/read-balance.ts'
import { audit } from './audit/audit.ts'
import { Books, writeAtOnce } from './Books.ts'
import { attempts } from './chain/attempts.ts'
import { findCursor, setCursor } from './chain/cursor.ts'
import { chainEntries } from './chain/entries.ts'
import { intentBy } from './chain/intent-by.ts'
import { intend, intentsFor, lastNonce, openIntents, updateIntent } from './chain/intents.ts'
import { minedIntents } from './chain/mined-intents.ts'
import { replaceIntent } from './chain/replace-intent.ts'
import { acceptVoucher } from './channels/accept-voucher.ts'
import { beginClose } from './channels/begin-close.ts'
import { channelSeen } from './channels/channel-seen.ts'
import { channelSettled } from './channels/channel-settled.ts'
import { channelsOf } from './channels/channels-of.ts'
import { agedChannels, closingChannels, sizedChannels } from './channels/due-channels.ts'
import { findChannel, needChannel } from './channels/find-channel.ts'
import { channelFinalized, closeRequested } from './channels/follow-close.ts'
import { listChannels } from './channels/list-channels.ts'
import { openChannels } from './channels/open-channels.ts'
import { acceptRestored, suspendChannel } from './channels/suspend.ts'
import { settleable } from './channels/vouchers.ts'
import { type Page, type Place, walk } from './channels/walk.ts'
import { connect, connectReadonly } from './connect.ts'
import { doubtsOf } from './doubts/doubts-of.ts'
import { relaysOf } from './exposure/relays-of.ts'
import { unsettledInAll } from './exposure/unsettled.ts'
import { GroupCommit } from './group-commit.ts'
import { rollUp } from './history/roll-up.ts'
import { inPages } from './in-pages.ts'
import { guardInstance } from './instances/instances.ts'
import { instancesOf } from './instances/instances-of.ts'
import { LoopWait } from './LoopWait.ts'
import { findAnswer, forgetAnswers, forgetAnswersAbove, storeAnswer } from './payments/answers.ts'
import { capture } from './payments/capture.ts'
import { claim } from './payments/claim.ts'
import { complete } from './payments/complete.ts'
import { creditedOf } from './payments/credited.ts'
import { findPayment, openPayments, orphans } from './payments/find-payment.ts'
import { lost } from './payments/lost.ts'
import { refund } from './payments/refund.ts'
import { settled } from './payments/settled.ts'
import { settling, unknown } from './payments/settling.ts'
import { voidPayment } from './payments/void-payment.ts'
import { reorgOf } from './reorg/reorg-of.ts'
import { consumeNonce, createNonce } from './sign-in/nonces.ts'
import { createSession, endSession, findSession } from './sign-in/sessions.ts'
import { storageError } from './storage-error.ts'
import type { Said } from './trail/append.ts'
import { begin, note, notes } from './trail/notes.ts'
import { record } from './trail/record.ts'
import * as said from './trail/said.ts'
import { openWal } from './wal-file.ts'
import { withdrawalsOf } from './withdrawals/withdrawals-of.ts'

/**
 * Opens the books in a SQLite file. Several processes may open the same file; each write waits for the others up to
 * `busyTimeout`, and nothing read is kept from one transaction to the next.
 * @throws LedgerPathError, NotALedgerError, NewerSchemaError, EditedMigrationError
 */
export async function openSqliteLedger(options: openSqliteLedger.Options): Promise<Ledger> {
  const clock = options.clock ?? systemClock
  const { readonly = false, busyTimeout = 5_000 } = options
  const database = readonly
    ? connectReadonly(options.path, busyTimeout)
    : connect(options.path, clock.now(), busyTimeout)
  const fold = { ...usual, ...options.fold }
  const policy = options.path === ':memory:' ? writeAtOnce : fold
  const books = new Books(database, clock, readonly ? 'readonly' : policy)
  const guard = () => guardInstance(books)
  if (!readonly) {
    books.fold()
    database.transaction(() => begin(books)).immediate()
  }
  books.rows.forget()
  const sync = options.path === ':memory:' ? 'in-commit' : (options.sync ?? 'in-commit')
  const wal = sync === 'in-commit' ? undefined : openWal(options.path)
  const loopWait = sync === 'small-at-once' ? new LoopWait(clock) : undefined
  if (wal !== undefined) database.pragma('synchronous = NORMAL')
  /** Nothing hangs on it: what fails here is in the journal, and is tried again by whoever needs it. */
  const catchUp = () => {
    try {
      if (database.open && books.rows.isDirty && !commits.isUnsafe) books.fold()
    } catch {}
  }
  // Under load the tables are written anyway: each group puts it off.
  let idle: NodeJS.Timeout | undefined
  const onCommit = (group: GroupCommit.Group) => {
    if (fold.idleMs > 0) idle = idle?.refresh() ?? setTimeout(catchUp, fold.idleMs).unref()
    options.onCommit?.(group)
  }
  const commits = new GroupCommit(database, { onCommit, rows: books.rows, guard, wal, loopWait })
  /** Every operation goes through the trail: what moves money is stated there, described or not. */
  const write = <Result>(operation: () => Result, describe?: (result: Result) => Said): Promise<Result> =>
    commits.run(() => record(books, operation, describe))
  /** Reads see one snapshot. No group is ever open here: a group runs from BEGIN to COMMIT without a pause. */
  const read = async <Result>(operation: () => Result): Promise<Result> => {
    await commits.durable()
    if (!database.open) throw new LedgerClosedError()
    try {
      return books.snapshot(operation)
    } catch (error) {
      throw storageError(error)
    }
  }
  /** What is one row, or in memory, is a snapshot by itself. */
  const look = async <Result>(operation: () => Result): Promise<Result> => {
    await commits.durable()
    return glance(operation)
  }
  /** What a write asks again before anything relies on it may be read before it is durable. */
  const glance = async <Result>(operation: () => Result): Promise<Result> => {
    if (!database.open) throw new LedgerClosedError()
    try {
      return books.glance(operation)
    } catch (error) {
      throw storageError(error)
    }
  }
  /**
   * What waits is written before the first page and not before each: with calls going on that would be for a group or two. A channel on
   * a page is as it is now; one that calls bring onto a page behind the walk is found by the next one.
   */
  const pages = (...walks: readonly ((from: Place) => Page)[]) => {
    let ask = read
    return walk(
      walks.map((page) => (from) => {
        const now = ask
        ask = glance
        return now(() => page(from))
      }),
    )
  }

  return {
    claim: (request) => write(() => claim(books, request), said.claimed),
    capture: (request) => write(() => capture(books, request), said.paid('capture')),
    complete: (id, delivered) => write(() => complete(books, id, delivered), said.paid('complete')),
    void: (id, reason) => write(() => voidPayment(books, id, reason), said.paid('void')),
    refund: (id, reason, part) => write(() => refund(books, id, reason, part), said.paid('refund')),
    settling: (request) => write(() => settling(books, request), said.paid('settling')),
    unknown: (id, reason) => write(() => unknown(books, id, reason), said.paid('unknown')),
    settled: (request) => write(() => settled(books, request), said.paid('settled')),
    lost: (id, reason) => write(() => lost(books, id, reason), said.paid('lost')),
    payment: (by) => ('transaction' in by ? read : look)(() => findPayment(books, by)),
    credited: (id) => read(() => creditedOf(books, id)),
    answer: (id) => look(() => findAnswer(books, id)),
    storeAnswer: (id, answer) => write(() => storeAnswer(books, id, answer)),
    forgetAnswers: (before) => inPages((limit) => write(() => forgetAnswers(books, before, limit))),
    forgetAnswersAbove: (bytes) => inPages((limit) => write(() => forgetAnswersAbove(books, bytes, limit))),
    rollUp: (before) => write(() => rollUp(books, before, options.history?.least)),
    openPayments: (limit) => read(() => openPayments(books, limit)),
    orphans: (limit) => read(() => orphans(books, limit)),

    channelSeen: (seen) => write(() => channelSeen(books, seen), said.channel('channel-seen')),
    acceptVoucher: (request) => write(() => acceptVoucher(books, request), said.voucher),
    beginClose: (request) => write(() => beginClose(books, request), said.closeBegun),
    closeRequested: (id, at) => write(() => closeRequested(books, id, at), said.channel('close-requested')),
    channelSettled: (request) => write(() => channelSettled(books, request), said.channel('channel-settled')),
    channelFinalized: (id, ref) =>
      write(() => channelFinalized(books, id, ref), said.channel('channel-finalized')),
    suspendChannel: (id, reason) =>
      write(() => suspendChannel(books, id, reason), said.channel('channel-suspended')),
    acceptRestored: (request) =>
      write(() => acceptRestored(books, request), said.channel('channel-restored')),
    channel: (id) => glance(() => findChannel(books, id)),
    channels: (filter) => read(() => listChannels(books, filter)),
    openChannels: (escrow) => pages((from) => openChannels(books, escrow, from)),
    channelsOf: (escrow, after = 0) => read(() => channelsOf(books, escrow, after)),
    dueChannels: ({ before, least }) =>
      pages(
        (from) => agedChannels(books, before, from),
        (from) => closingChannels(books, from),
        ...(least === null ? [] : [(from: Place) => sizedChannels(books, least, from)]),
      ),
    settleable: (id, { final = false } = {}) => read(() => settleable(books, needChannel(books, id), final)),

    withdrawals: withdrawalsOf(books, { write, read }),

    instances: instancesOf(books, { write, read }),
    reorg: reorgOf(books, { write, read }),
    relays: relaysOf(books, { write }),
    doubts: doubtsOf(books, { write, glance }),
    unsettled: (asset) => read(() => unsettledInAll(books, asset)),

    balance: (account, asset) => read(() => readBalance(books, account, asset)),
    balances: (filter) => read(() => listBalances(books, filter)),

    intend: (intent) => write(() => intend(books, intent), said.intent('intent')),
    replaceIntent: (id, attempt) =>
      write(() => replaceIntent(books, id, attempt), said.intent('intent-replaced')),
    attempts: (intentId) => read(() => attempts(books, intentId)),
    updateIntent: (id, change) =>
      write(() => updateIntent(books, id, change), said.intent('intent-followed')),
    openIntents: () => read(() => openIntents(books)),
    intentBy: (hash) => read(() => intentBy(books, hash)),
    intentsFor: (subject) => read(() => intentsFor(books, subject)),
    minedIntents: (chainId, from, nonce) => read(() => minedIntents(books, chainId, from, nonce)),
    lastNonce: (chainId, from) => read(() => lastNonce(books, chainId, from)),
    cursor: (chainId) => read(() => findCursor(books, chainId)),
    setCursor: (chainId, block, readTo) => write(() => setCursor(books, chainId, block, readTo)),
    chainEntries: (chainId, after) => read(() => chainEntries(books, chainId, after)),

    createNonce: (nonce, expiresAt) => write(() => createNonce(books, nonce, expiresAt)),
    useNonce: (nonce, now) => write(() => consumeNonce(books, nonce, now)),
    createSession: (session) =>
      write(
        () => createSession(books, session),
        () => said.session(session),
      ),
    session: (tokenHash, now) => look(() => findSession(books, tokenHash, now)),
    endSession: (tokenHash) => write(() => endSession(books, tokenHash)),

    note: (one) => commits.run(() => note(books, one)),
    notes: (kind, limit = 1) => read(() => notes(books, kind, limit)),
    audit: (asked) => read(() => audit(books, asked)),
    close: async () => {
      commits.close()
      clearTimeout(idle)
      catchUp()
      await wal?.close()
      database.close()
    },
  }
}

/**
 * Sixteen groups share their pages: of more each gains little more, and the pause in which they are written grows. 512 operations are
 * written in some 8 ms.
 */
const usual: Fold = { groups: 16, most: 512, idleMs: 100 }

type Fold = { groups: number; most: number; idleMs: number }

export declare namespace openSqliteLedger {
  type Options = {
    /** A file on a local disk; its folder is made when it is not there. */
    path: string
    /** Stamps what has no time of its own. The system's clock by default. */
    clock?: { now(): number }
    /** Milliseconds to wait for another process that is writing; 5,000 by default. */
    busyTimeout?: number
    /** Only reads, and changes nothing: for an audit beside the gateway. The file must be there and up to date. */
    readonly?: boolean
    /**
     * Who waits for the disk: each commit itself (the default), or a thread beside the event loop, which serves other calls
     * meanwhile; `small-at-once`: the loop for small groups and a thread for large ones, best where both share one core
     * (`LoopWait`). In any way nothing is told before it is durable.
     */
    sync?: 'in-commit' | 'beside' | 'small-at-once'
    /**
     * When rows are written to their tables (`README.md`, "The journal"): when it comes to `groups` groups or `most` operations, when
     * no group came for `idleMs` (0: that is not looked at), and at the close.
     */
    fold?: Partial<Fold>
    /**
     * `least`: old rows of a table that are worth a segment of the history; by default as many as one holds, so that fewer wait for
     * more, and a gateway with few calls, or none, writes no history of its history.
     */
    history?: { least: number }
    /** Called after each commit. */
    onCommit?: (group: GroupCommit.Group) => void
  }
}
