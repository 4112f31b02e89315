import type { Channel } from '../../Channel.ts'
import { LedgerIntegrityError } from '../../errors.ts'
import type { Books } from '../Books.ts'
import { highestPast } from '../history/find-past.ts'
import { sql } from '../sql.ts'
import { booksOf, setBooks } from '../working-set/channels.ts'

const byId = sql<[id: number], { previous: number | null; amount: string; created_at: number }>`
  SELECT previous, amount, created_at FROM transfers WHERE id = ?`

/** The last transfer that spent of a channel: the next one names it. */
export function lastSpend(books: Books, id: string): number | null {
  return booksOf(books, id)?.lastSpend ?? null
}

/** A transfer that spends of a channel was booked. */
export function spentBy(books: Books, id: string, transfer: number): void {
  const known = booksOf(books, id)
  if (known !== null) setBooks(books, { ...known, lastSpend: transfer })
}

/**
 * When the oldest value that is spent and not settled was spent: walks back over what is unsettled, no further. 0 where that is as
 * long ago as the history.
 */
export function unsettledSince(books: Books, channel: Channel): number | null {
  let left = channel.spent - channel.settled
  let since: number | null = null
  for (let at = lastSpend(books, channel.id); left > 0n && at !== null; ) {
    const transfer = books.get(byId, at)
    // It was settled when it went into the history, and a reorganisation took that back.
    if (transfer === null && at <= highestPast(books)) return 0
    if (transfer === null) throw new LedgerIntegrityError(`transfer ${at} of channel ${channel.id} is gone`)
    since = transfer.created_at
    left -= BigInt(transfer.amount)
    at = transfer.previous
  }
  return since
}
