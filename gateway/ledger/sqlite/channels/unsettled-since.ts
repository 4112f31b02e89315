import * as Account from '../../Account.ts'
import type { Channel } from '../../Channel.ts'
import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'

const spending = sql<[channel: string, debit: string], { amount: string; created_at: number }>`
  SELECT amount, created_at FROM transfers
  WHERE channel_id = ? AND debit = ? AND kind IN ('capture', 'convert') ORDER BY id DESC`

/** When the oldest value that is spent and not settled was spent: walks back over what is unsettled, no further. */
export function unsettledSince(books: Books, channel: Channel): number | null {
  let left = channel.spent - channel.settled
  if (left <= 0n) return null
  let since: number | null = null
  for (const row of books.each(spending, channel.id, Account.prepaid(channel.id))) {
    since = row.created_at
    left -= BigInt(row.amount)
    if (left <= 0n) break
  }
  return since
}
