import * as Account from '../../Account.ts'
import * as Amount from '../../Amount.ts'
import type { Channel } from '../../Channel.ts'
import type { Reorg } from '../../Reorg.ts'
import { post } from '../accounts/post.ts'
import { readAccount } from '../accounts/read-account.ts'
import type { Books } from '../Books.ts'
import { needChannel } from '../channels/find-channel.ts'
import { sql } from '../sql.ts'
import { takeDown } from './take-down.ts'

const save = sql<[missing: string, inDebt: string, id: string]>`
  UPDATE channels SET deposit_missing = ?, in_debt = ? WHERE id = ?`

/**
 * Follows what the escrow holds of a deposit that was booked. What is gone for good and no voucher reaches is taken off the
 * deposit; otherwise the deposit stays and what is missing stands beside it. The same again changes nothing.
 */
export function depositNow(books: Books, { channel: id, onChain, gone }: Reorg.Deposit): Channel {
  const channel = needChannel(books, id)
  const missing = Amount.greater(channel.deposit - Amount.check(onChain), 0n)
  const uncovered = Amount.greater(channel.spent - Amount.greater(onChain, channel.settled), 0n)
  const owed = missing === 0n ? 0n : gone && !channel.finalized ? uncovered : channel.inDebt
  if (missing === 0n || !gone || channel.accepted > onChain) return follow(books, channel, missing, owed)
  return takeDown(books, { ...follow(books, channel, 0n, 0n), deposit: onChain })
}

/** The escrow paid this much out, so that much of the deposit was there: no more than the rest of what was spent is debt. */
export function provenBySettlement(books: Books, channel: Channel, cumulative: bigint): Channel {
  const most = Amount.greater(channel.spent - cumulative, 0n)
  return channel.inDebt <= most ? channel : follow(books, channel, channel.depositMissing, most)
}

function follow(books: Books, channel: Channel, missing: bigint, owed: bigint): Channel {
  if (missing === channel.depositMissing && owed === channel.inDebt) return channel
  const change = owed - channel.inDebt
  const [own, debt] = [Account.channel(channel.id), Account.debt(channel.payer)]
  const base = { asset: channel.asset, channel: channel.id, at: books.clock.now() }
  if (change > 0n) post(books, { ...base, debit: debt, credit: own, amount: change, kind: 'reversal' })
  if (change < 0n) restore(books, channel, -change)
  books.run(save, String(missing), String(owed), channel.id)
  books.rows.channels.drop(channel.id)
  return needChannel(books, channel.id)
}

/** What the payer paid of the debt meanwhile was its own credit: that much it gets back. */
function restore(books: Books, channel: Channel, amount: bigint): void {
  const [own, debt] = [Account.channel(channel.id), Account.debt(channel.payer)]
  const base = { asset: channel.asset, channel: channel.id, at: books.clock.now() }
  const owed = -readAccount(books, debt, channel.asset).posted
  post(books, { ...base, debit: own, credit: debt, amount: Amount.min(amount, owed), kind: 'restore' })
  const paid = Amount.greater(amount - owed, 0n)
  post(books, { ...base, debit: own, credit: Account.wallet(channel.payer), amount: paid, kind: 'restore' })
}
