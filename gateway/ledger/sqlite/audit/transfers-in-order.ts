import type { Books } from '../Books.ts'
import { type PastTransfer, type Segment, transfersIn } from '../history/segments.ts'
import { sql } from '../sql.ts'
import { segmentsInOrder } from './segments-in-order.ts'

/** A transfer, wherever it stands. */
export type BookedTransfer = Omit<PastTransfer, 'created_at'> & {
  tx: string | null
  log_index: number | null
  reversed_by: number | null
}

/** Is given each segment of the history that has calls, once. */
export type Opened = (past: Segment & { segment: number }) => void

/** What is proved from all transfers: it is given each, in the order of booking, and says at the end what is wrong. */
export type TransferAudit = { take(transfer: BookedTransfer): void; violations(): string[] }

/** Rows read at once. */
const page = 1_000

const inTable = sql<[after: number, limit: number], BookedTransfer>`
  SELECT id, kind, debit, credit, asset, amount, payment_id, channel_id, previous, tx, log_index, reversed_by FROM transfers
  WHERE id > ? ORDER BY id LIMIT ?`
const beginnings = sql<[], { segment: number; begins: number | null }>`
  SELECT segment, first_transfer AS begins FROM history ORDER BY segment`

/** Every transfer in the order of booking: those of the history, and those of the table. `opened` is given each segment on the way. */
export function* transfersInOrder(books: Books, opened: Opened): Generator<BookedTransfer> {
  const table = ofTable(books)
  let next = table.next()
  for (const transfer of ofHistory(books, opened)) {
    for (; next.done !== true && next.value.id < transfer.id; next = table.next()) yield next.value
    yield transfer
  }
  for (; next.done !== true; next = table.next()) yield next.value
}

function* ofTable(books: Books): Generator<BookedTransfer> {
  for (let after = Number.MIN_SAFE_INTEGER; ; ) {
    const rows = books.all(inTable, after, page)
    yield* rows
    const last = rows.at(-1)
    if (last === undefined) return
    after = last.id
  }
}

/** Calls overlap, so segments do: a transfer waits until no later segment has one that comes before it. */
function* ofHistory(books: Books, opened: Opened): Generator<BookedTransfer> {
  const laterBegin = beginningsAfter(books)
  let waiting: BookedTransfer[] = []
  for (const read of segmentsInOrder(books, 'calls')) {
    opened(read)
    const more = transfersIn(read).map((one) => ({ ...one, tx: null, log_index: null, reversed_by: null }))
    waiting = waiting.concat(more).sort((a, b) => a.id - b.id)
    const upTo = laterBegin.get(read.segment) ?? Number.POSITIVE_INFINITY
    const ready = waiting.findIndex(({ id }) => id >= upTo)
    yield* ready === -1 ? waiting : waiting.slice(0, ready)
    waiting = ready === -1 ? [] : waiting.slice(ready)
  }
  yield* waiting
}

/** By segment, the lowest transfer of all that come after it. */
function beginningsAfter(books: Books): Map<number, number> {
  const lowest = new Map<number, number>()
  let least = Number.POSITIVE_INFINITY
  for (const { segment, begins } of books.all(beginnings).toReversed()) {
    lowest.set(segment, least)
    least = Math.min(least, begins ?? least)
  }
  return lowest
}
