import * as Account from '../../Account.ts'
import type { Channel } from '../../Channel.ts'
import { post } from '../accounts/post.ts'
import { readAccount } from '../accounts/read-account.ts'
import type { Books } from '../Books.ts'

/**
 * A finalized channel pays nothing more. Value accepted and neither spent nor reserved went back to the payer on chain
 * (prepaid → channel), and what was spent and never settled is lost (loss → channel). The counters stay as they are.
 */
export function closeOut(books: Books, channel: Channel, now: number): void {
  const { asset, id } = channel
  const [own, prepaid] = [Account.channel(id), Account.prepaid(id)]
  const unspent = readAccount(books, prepaid, asset)
  const release = unspent.posted - unspent.pending
  post(books, {
    debit: prepaid,
    credit: own,
    asset,
    amount: release,
    kind: 'release',
    channel: id,
    at: now,
  })
  const lost = -readAccount(books, own, asset).posted - unspent.pending
  post(books, {
    debit: Account.loss,
    credit: own,
    asset,
    amount: lost,
    kind: 'write-off',
    channel: id,
    at: now,
  })
}

/** Takes `closeOut` back, because the chain shows a settlement after all. */
export function reopen(books: Books, channel: Channel, now: number): void {
  const { asset, id } = channel
  const [own, prepaid] = [Account.channel(id), Account.prepaid(id)]
  const released = channel.accepted - channel.spent - readAccount(books, prepaid, asset).posted
  const open = channel.accepted - channel.settled - channel.inDebt
  const lost = open + readAccount(books, own, asset).posted - released
  const entry = { debit: own, asset, kind: 'reinstate', channel: id, at: now } as const
  post(books, { ...entry, credit: prepaid, amount: released })
  post(books, { ...entry, credit: Account.loss, amount: lost })
}
