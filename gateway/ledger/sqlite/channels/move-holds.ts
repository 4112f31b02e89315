import * as Account from '../../Account.ts'
import * as Amount from '../../Amount.ts'
import type { Channel } from '../../Channel.ts'
import { endHold, holdsOfAccount } from '../accounts/end-hold.ts'
import { hold } from '../accounts/hold.ts'
import type { Books } from '../Books.ts'

/**
 * Takes `amount` of the reservations of calls in flight off a channel's prepaid value, the latest first. The same
 * calls hold it on the payer's wallet instead once `again` is called, which is after the value has moved there.
 */
export function moveHolds(books: Books, channel: Channel, amount: bigint): { again: () => void } {
  const moved: { payment: string; part: bigint }[] = []
  let left = amount
  for (const held of holdsOfAccount(books, Account.prepaid(channel.id), channel.asset).reverse()) {
    if (left <= 0n) break
    const part = Amount.min(left, held.amount)
    endHold(books, held)
    hold(books, held.payment, held.account, held.asset, held.amount - part)
    moved.push({ payment: held.payment, part })
    left -= part
  }
  return {
    again: () => {
      for (const { payment, part } of moved)
        hold(books, payment, Account.wallet(channel.payer), channel.asset, part)
    },
  }
}
