import * as Account from '../../Account.ts'
import type { Payment } from '../../Payment.ts'
import { post } from '../accounts/post.ts'
import type { Books } from '../Books.ts'
import { closeOut } from '../channels/close-out.ts'
import { needChannel } from '../channels/find-channel.ts'
import { saveChannel } from '../channels/save-channel.ts'
import { prune } from '../channels/vouchers.ts'

/** Books a captured part from the account that held it to the one that earns; prepaid value counts as spent. */
export function spend(books: Books, payment: Payment, from: Account.Account, amount: bigint): void {
  if (amount === 0n) return
  const now = books.clock.now()
  const prepaid = payment.channelId !== null && from === Account.prepaid(payment.channelId)
  post(books, {
    debit: from,
    credit: payment.earns,
    asset: payment.asset,
    amount,
    kind: 'capture',
    payment: payment.id,
    ...(prepaid && payment.channelId !== null ? { channel: payment.channelId } : {}),
    at: now,
  })
  if (!prepaid || payment.channelId === null) return
  const channel = needChannel(books, payment.channelId)
  const spent = channel.spent + amount
  const raised = { ...channel, spent, unsettledSince: channel.unsettledSince ?? now }
  saveChannel(books, raised)
  prune(books, raised)
}

/** A finalized channel has a call less in flight: what that call held is written off, or released. */
export function afterHold(books: Books, payment: Payment): void {
  if (payment.channelId === null) return
  const channel = needChannel(books, payment.channelId)
  if (channel.finalized) closeOut(books, channel, books.clock.now())
}
